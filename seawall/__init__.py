"""The instrument: loads the service, follows every record to its row, and gives a verdict."""

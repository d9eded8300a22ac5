"""Console, CSV and JSON from one result."""

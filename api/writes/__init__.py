"""The write paths: several ways to store the same record, behind one protocol."""

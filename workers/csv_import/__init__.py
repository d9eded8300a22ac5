"""Imports CSV files: reads them in constant memory, and stores each good row once, directly or through the log."""

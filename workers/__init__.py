"""Processes around the log."""

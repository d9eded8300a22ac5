"""Loads that change, one a file."""

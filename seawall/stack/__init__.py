"""Starts, checks, kills and pauses real servers."""

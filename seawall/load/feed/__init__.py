"""Subscribers of a feed: Locust users that connect, listen, and note when what arrived."""

"""Scenarios for `locust -f`."""

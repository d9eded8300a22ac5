"""The Locust side: users, schedule, recorder."""

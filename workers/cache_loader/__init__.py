"""The cache loader: keeps the fleet's hashes of users and products fresh, a half at a time."""

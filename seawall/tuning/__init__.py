"""Kafka's knobs, the rules between them, and settings files made of them. Pure: nothing here reaches a server."""

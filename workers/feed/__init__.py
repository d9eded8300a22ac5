"""The feed: hands accepted records to subscribers as they come, by WebSocket or as server-sent events."""

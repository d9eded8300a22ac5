"""FastAPI endpoints: each delegates to one object that knows nothing of HTTP frameworks."""

"""One module a verb: parses, calls, prints; no logic."""

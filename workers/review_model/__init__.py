"""A model's HTTP API around real sentiment lexicons, whose slowness, limits and faults are simulated."""

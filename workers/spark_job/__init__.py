"""Features of reviews by Spark: a Structured Streaming job from the log into the log."""

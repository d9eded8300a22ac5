"""Has reviews judged by a slow model: read from the log, asked about in batches, each result written once."""

"""What an API process counts, for Prometheus, on a port of its own."""

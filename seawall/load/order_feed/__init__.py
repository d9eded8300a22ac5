"""Orders that go straight to the log, with event times of their own: `plan` says which, `process` sends them."""

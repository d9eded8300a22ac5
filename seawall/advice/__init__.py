"""What the figures of a run suggest: pure functions over results, which say nothing where figures say nothing."""

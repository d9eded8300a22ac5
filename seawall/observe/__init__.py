"""What is seen of a running stack from outside: its counts, its servers' own statistics, the records of its log."""

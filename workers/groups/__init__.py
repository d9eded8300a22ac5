"""Independent consumer groups of the same records, each of which does work of its own kind.

`loop` reads the log and decides what happens in which order, `queue` does so with copies in the database, `work` says
what a kind of work has to offer, and `kinds` knows them all. The group that stores is the sink, in `workers.sink`.
"""

"""Live analytics: figures by windows of event time, by a consumer of the log or by queries on the table.

`windows` counts, `work` lets a consumer group of `workers.groups` do so, `by_sql` asks the table for the same, and
`publisher` puts both in the cache, where readers find them.
"""

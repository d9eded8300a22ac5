"""The sink: moves records from the log into the tables.

`consumer` owns the Kafka consumer and decides what happens in which order, `batches` decodes, `writer` stores,
`dead_letters` publishes what can never be stored.
"""

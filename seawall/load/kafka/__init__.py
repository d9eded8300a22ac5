"""Users that write straight to Kafka: one producer and one consumer a process, and nothing that blocks gevent."""

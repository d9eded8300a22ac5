"""Why users cannot write to Kafka."""


class KafkaUnusable(ValueError):
    """No broker, topic or permission, or settings that cannot be meant; the message says what to do."""


class NoneKnown(KafkaUnusable):
    """Nobody has said where the brokers are."""

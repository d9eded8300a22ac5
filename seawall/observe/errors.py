"""Errors of looking on.

ObserveError
 ├─ UnknownTopic      a topic that the log does not have
 ├─ LogUnreachable    brokers that do not answer
 ├─ PrometheusGone    a Prometheus of one's own that does not answer
 └─ NoTraces          none is kept, or none is the one that is asked for
"""


class ObserveError(Exception):
    """Something cannot be looked at; the message says why and what to do next."""


class UnknownTopic(ObserveError):
    """The log has no such topic; the message lists those that it has."""


class NoTraces(ObserveError):
    """No traces are kept here, or none of them is meant; the message says how to get one."""


class PrometheusGone(ObserveError):
    """The Prometheus that the environment names does not answer as one does."""


class LogUnreachable(ObserveError):
    """No broker answers, or the cluster refuses to show its topics."""

"""Errors of the contract.

ContractError
 ├─ InvalidRecord      the record's text or values can never be accepted
 ├─ BadConnection      a connection setting that cannot be used
 ├─ BadApiKeys         a file of keys, or a line for it, that cannot be used
 ├─ BadTracing         tracing that is asked for in a way that nobody here speaks
 └─ NoTopics           topics that the cluster does not create, or that nobody leads
"""


class ContractError(Exception):
    """Something that breaks what service and instrument agreed on."""


class InvalidRecord(ContractError):
    """A record that can never be stored; *malformed* when it is not even JSON."""

    def __init__(self, reason: str, *, pointer: str = "", malformed: bool = False) -> None:
        super().__init__(f"{reason} (at {pointer})" if pointer else reason)
        self.reason = reason
        self.pointer = pointer
        self.malformed = malformed


class BadConnection(ContractError):
    """A connection setting that cannot be used; the message names the variable and what it should look like."""


class BadApiKeys(ContractError):
    """A file of keys, or a line for it, that cannot be used; the message repeats nothing that may be secret."""


class BadTracing(ContractError):
    """OpenTelemetry's variables ask for what cannot be done here; the message names the variable."""


class NoTopics(ContractError):
    """The cluster does not create a topic, or a partition of it finds no leader; the message says which and why."""

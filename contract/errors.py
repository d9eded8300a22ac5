"""Errors of the contract.

ContractError
 ├─ InvalidRecord      the record's text or values can never be accepted
 ├─ BadConnection      a connection setting that cannot be used
 ├─ BadApiKeys         a file of keys, or a line for it, that cannot be used
 ├─ BadTracing         tracing that is asked for in a way that nobody here speaks
 ├─ NoJudgements       a model's answer, or a question to it, that holds nothing of use
 ├─ NoTopics           topics that the cluster does not create, or that nobody leads
 └─ RegistryError
     ├─ SchemaRefused        a schema that earlier versions of its subject do not allow
     ├─ NoSchema             an id that the registry does not know
     └─ RegistryUnavailable  the registry does not answer, or is not there
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


class NoJudgements(ContractError):
    """What should be about reviews and is not: a call's last message, or the text of a model's answer."""


class NoTopics(ContractError):
    """The cluster does not create a topic, or a partition of it finds no leader; the message says which and why."""


class RegistryError(ContractError):
    """The schema registry does not do what it was asked; the message holds its own words."""


class SchemaRefused(RegistryError):
    """A schema that is none, or that earlier versions of its subject do not allow."""


class NoSchema(RegistryError):
    """The registry knows no such schema."""


class RegistryUnavailable(RegistryError):
    """The registry does not answer as it should; it may do later."""

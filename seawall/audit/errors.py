"""Errors of the audit.

AuditError
 └─ AuditFailed     rows, log or journal could not be read, so nothing can be said about the trial
"""


class AuditError(Exception):
    """Something that keeps an audit from its answer."""


class AuditFailed(AuditError):
    """Rows, log or journal could not be read."""

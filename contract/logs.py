"""How processes of the service log: lines for people, or JSON lines for machines, both with the record's id.

What is about one record says so by ``extra=about(id)``. What is said while a traced request is served has the id of its
trace.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal

import msgspec

from contract.spans import current

LogFormat = Literal["text", "json"]
_ATTRIBUTE, _TRACE = "record_id", "trace_id"


def about(identity: object, trace_id: str = "") -> dict[str, str]:
    """Return what marks a message as one about the record with this id, in that trace."""
    return {_ATTRIBUTE: str(identity), _TRACE: trace_id}


def start_logging(form: LogFormat) -> None:
    """Write messages from INFO on to standard error, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if form == "json" else _Lines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _Lines(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library calls it so
        """Add the id, where there is one."""
        line = super().formatMessage(record)
        said = [f"{word} {value}" for word, value in zip(("record", "trace"), _ids(record), strict=True) if value]
        return f"{line} ({', '.join(said)})" if said else line


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return one object; line ends of messages and traces are within its texts."""
        moment = datetime.fromtimestamp(record.created, UTC)
        said = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {name: value for name, value in zip((_ATTRIBUTE, _TRACE), _ids(record), strict=True) if value}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(said).decode()


def _ids(record: logging.LogRecord) -> tuple[str, str]:
    """Return the ids of the record and of the trace that a message is about, or nothing."""
    traced = current().context
    return getattr(record, _ATTRIBUTE, ""), getattr(record, _TRACE, "") or (traced.trace_id if traced else "")

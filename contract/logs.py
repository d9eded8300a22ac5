"""How processes of the service log: lines for people, or JSON lines for machines, both with the record's id.

What is about one record says so by ``extra=about(id)``.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal

import msgspec

LogFormat = Literal["text", "json"]
_ATTRIBUTE = "record_id"


def about(identity: object) -> dict[str, str]:
    """Return what marks a message as one about the record with this id."""
    return {_ATTRIBUTE: str(identity)}


def start_logging(form: LogFormat) -> None:
    """Write messages from INFO on to standard error, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if form == "json" else _Lines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _Lines(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library calls it so
        """Add the id, where there is one."""
        line = super().formatMessage(record)
        identity = getattr(record, _ATTRIBUTE, "")
        return f"{line} (record {identity})" if identity else line


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
        identity = getattr(record, _ATTRIBUTE, "")
        if identity:
            said[_ATTRIBUTE] = identity
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(said).decode()

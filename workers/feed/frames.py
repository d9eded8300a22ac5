"""What goes to a subscriber at once: records with the position behind them, as both protocols write it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property


class Frame:
    """Some records, and the id with which a subscriber goes on behind them; encoded once for all that get it."""

    def __init__(self, position: str, records: Sequence[bytes]) -> None:
        """*records* are JSON objects."""
        self.position, self.records = position, records
        self.published_ns = time.time_ns()
        self.size = len(position) + sum(map(len, records))
        """About how many bytes it takes."""

    @cached_property
    def _body(self) -> str:
        return f'"published_ns":{self.published_ns},"records":[{b",".join(self.records).decode()}]}}'

    @cached_property
    def text(self) -> str:
        """The message of a WebSocket."""
        return f'{{"id":"{self.position}",{self._body}'

    @cached_property
    def event(self) -> bytes:
        """The server-sent event; JSON has no line ends within."""
        return f"id: {self.position}\nevent: records\ndata: {{{self._body}\n\n".encode()


def last_event(reason: str) -> bytes:
    """Return the server-sent event that says why there will be no more; it has no id, so the last one stays valid."""
    return f'event: end\ndata: {{"reason":"{reason}"}}\n\n'.encode()

"""What goes to a subscriber at once: records with the position behind them, as both protocols put it on the wire.

It is the same for all that get it, so it is made once, and a connection only has to write it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property

_WHOLE_TEXT = 0x81
_TWO_BYTES, _EIGHT_BYTES = 126, 127
"""In place of a size: that it follows in so many bytes."""


class Frame:
    """Some records, and the id with which a subscriber goes on behind them; encoded once for all that get it."""

    def __init__(self, position: str, records: Sequence[bytes]) -> None:
        """*records* are JSON objects."""
        self.position, self.records = position, records
        self.published_ns = time.time_ns()
        self.size = len(position) + sum(map(len, records))
        """About how many bytes it takes."""

    @cached_property
    def _body(self) -> bytes:
        return b'"published_ns":%d,"records":[%b]}' % (self.published_ns, b",".join(self.records))

    @cached_property
    def message(self) -> bytes:
        """A message of a WebSocket: one text frame, not masked (RFC 6455, section 5.2)."""
        text = b'{"id":"%b",%b' % (self.position.encode(), self._body)
        size = len(text)
        if size < _TWO_BYTES:
            return b"%c%c%b" % (_WHOLE_TEXT, size, text)
        if size < 1 << 16:
            return b"%c%c%b%b" % (_WHOLE_TEXT, _TWO_BYTES, size.to_bytes(2, "big"), text)
        return b"%c%c%b%b" % (_WHOLE_TEXT, _EIGHT_BYTES, size.to_bytes(8, "big"), text)

    @cached_property
    def chunk(self) -> bytes:
        """A server-sent event, in a chunk of a body (RFC 9112, section 7.1); JSON has no line ends within."""
        event = b"id: %b\nevent: records\ndata: {%b\n\n" % (self.position.encode(), self._body)
        return b"%x\r\n%b\r\n" % (len(event), event)


def last_event(reason: str) -> bytes:
    """Return the server-sent event that says why there will be no more; it has no id, so the last one stays valid."""
    return f'event: end\ndata: {{"reason":"{reason}"}}\n\n'.encode()

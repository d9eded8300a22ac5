"""The `traceparent` header: which trace a request or a message belongs to (W3C Trace Context, level 1).

What comes in it is a stranger's: whatever is no such header is as good as none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TRACEPARENT = "traceparent"
"""The header's name, over HTTP and in Kafka."""

_SAMPLED = 0x01
_MOST_BYTES = 256
"""Later versions may append to the 55 bytes of the first; nobody needs more than this."""
_FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16


class TraceContext(NamedTuple):
    """A span that something else may continue."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    sampled: bool
    """Whether whoever began the trace keeps it."""

    @property
    def header(self) -> bytes:
        """The value of `TRACEPARENT`."""
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}".encode()


def read_traceparent(value: bytes) -> TraceContext | None:
    """Return what a header's *value* says, or None where it is none."""
    found = _FORM.fullmatch(value) if len(value) <= _MOST_BYTES else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id.decode(), span_id.decode(), bool(int(flags, 16) & _SAMPLED))

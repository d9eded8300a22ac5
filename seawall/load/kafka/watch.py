"""What the process that watches topics is asked, and what it answers.

It gets a `Watch` as a line of JSON, answers with a `Begun`, and from then on with pairs of token and time.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from contract.ids import ENTITY_BITS, LOCAL_USER_BITS, Run

HEADER = "seawall-id"
"""The header by which a consumer recognises a record whose key is no id of ours."""
MARK = struct.Struct(">8sQ")
"""What that header holds: the sender's tag, and the record's number."""
SIGHTING = struct.Struct("=Qq")
"""A record's token, and when a consumer had it, monotonic nanoseconds."""
_WORKER_SHIFT, _WORKERS = ENTITY_BITS + LOCAL_USER_BITS, (1 << 10) - 1
_KEY_BYTES, _PREFIX_BYTES = 36, 19


class Watch(msgspec.Struct, kw_only=True, frozen=True):
    """Which records are looked for: those of one process of one run."""

    connection: dict[str, Any]
    topics: list[str]
    run: Run
    worker: int
    tag: bytes

    @property
    def prefix(self) -> bytes:
        """What the keys of the run's own records begin with."""
        high = f"{self.run.high:016x}"
        return f"{high[:8]}-{high[8:12]}-{high[12:]}-".encode()


class Begun(msgspec.Struct, kw_only=True, frozen=True):
    """Whether all partitions are read, from where they ended; *trouble* says why not."""

    trouble: str = ""


class Marks:
    """Recognises the records of one process."""

    def __init__(self, watch: Watch) -> None:
        self._prefix, self._worker, self._tag = watch.prefix, watch.worker, watch.tag

    def token_of(self, message: Any) -> int | None:
        """Return the token of a consumed *message*; None where it is somebody else's."""
        key = message.key()
        if key is not None and len(key) == _KEY_BYTES and key[:_PREFIX_BYTES] == self._prefix:
            try:
                low = int(key[_PREFIX_BYTES:].replace(b"-", b""), 16)
            except ValueError:
                return None
            return low if (low >> _WORKER_SHIFT) & _WORKERS == self._worker else None
        for name, value in message.headers() or ():
            if name == HEADER and value is not None and len(value) == MARK.size:
                tag, number = MARK.unpack(value)
                return int(number) if tag == self._tag else None
        return None

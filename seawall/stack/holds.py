"""Keeps a service that has ended from being started again for a while, as a machine that is down would.

A hold is a file with the process that wants it; one whose process has ended counts no more, so nothing stays down for
ever.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from seawall.stack.state import is_alive, started_at


class _Holder(msgspec.Struct, frozen=True):
    pid: int
    started: float


@contextmanager
def held_down(data: Path, service: str) -> Iterator[None]:
    """Have the *service* of the stack with this *data* directory stay down once it ends, until this block does."""
    place = _place(data, service)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    partial = place.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(_Holder(os.getpid(), started_at(os.getpid()))))
    partial.replace(place)
    try:
        yield
    finally:
        place.unlink(missing_ok=True)


def is_held_down(data: Path, service: str) -> bool:
    """Tell whether somebody who lives holds the *service*."""
    try:
        holder = msgspec.json.decode(_place(data, service).read_bytes(), type=_Holder)
    except (OSError, msgspec.DecodeError):
        return False
    return is_alive(holder.pid, holder.started)


def _place(data: Path, service: str) -> Path:
    return data / "holds" / service

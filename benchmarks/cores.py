"""Puts what is measured on one core and what it talks to on another, where there are two."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_CORES = sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def on_core(number: int) -> Iterator[None]:
    """Let processes that are started in the block run on one core alone.

    *number* counts the cores that this process had at first; where it had one, everything shares it.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_CORES[number % len(_CORES)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)

"""Questions that block, asked in a thread of gevent's pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gevent.hub import get_hub

T = TypeVar("T")


def in_a_thread(ask: Callable[[], T]) -> T:
    """Return what *ask* returns, or raise what it raises, while others go on.

    An error is handed over as a value: gevent would print one that is raised there.
    """

    def asked() -> tuple[list[T], Exception | None]:
        try:
            return [ask()], None
        except Exception as error:  # noqa: BLE001 - it is raised below
            return [], error

    found: list[T]
    found, error = get_hub().threadpool.apply(asked)
    if error is not None:
        raise error
    return found[0]

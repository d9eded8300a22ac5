"""What an experiment asks of the subscribers' process, and what it answers; one JSON line each."""

from __future__ import annotations

import msgspec

from seawall.load.feed.arrivals import Attempt
from seawall.result import InstrumentHealth


class FeedProgress(msgspec.Struct, kw_only=True, frozen=True, tag="progress"):
    """How far the subscribers are."""

    connected: int
    """That have been let in once."""
    arrived: int
    """Records, over all subscribers."""
    refused: str = ""
    """The last word of a feed that let somebody not in."""


class FeedDone(msgspec.Struct, kw_only=True, frozen=True, tag="done"):
    """What the subscribers know at the end; the arrivals are in a file."""

    directory: str
    attempts: list[Attempt]
    frames: int
    arrived: int
    cpu_s: float
    health: InstrumentHealth


class FeedFailed(msgspec.Struct, kw_only=True, frozen=True, tag="failed"):
    """The subscribers could not be had."""

    reason: str


FeedAnswer = FeedProgress | FeedDone | FeedFailed

"""What a feed process gets records from: the log, or, to compare with, the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from workers.feed.filters import Filter
from workers.feed.subscription import Subscription


class Source(Protocol):
    """Fills subscriptions."""

    @property
    def trouble(self) -> str:
        """Why nothing can be read; empty where it can."""
        ...

    @property
    def skipped(self) -> int:
        """Messages that hold no record."""
        ...

    async def start(self) -> None:
        """Begin to read; on the loop."""
        ...

    async def stop(self) -> None:
        """Read no more."""
        ...

    async def subscribe(self, wanted: Filter, after: str | None) -> Subscription:
        """Return a subscription whose first frame says where it stands, or holds what it missed since *after*.

        Raises `BadSubscription`, `PositionGone`, `SourceUnavailable`.
        """
        ...

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        ...

    def beat(self, subscriptions: Iterable[Subscription]) -> None:
        """Tell *subscriptions* how far they are, though there is nothing for them."""
        ...

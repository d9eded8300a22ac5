"""Errors of the feed.

FeedError
 ├─ BadSubscription     what is asked for is none that can be had; asking again changes nothing
 ├─ PositionGone        the log does not reach back so far any more
 └─ SourceUnavailable   where records come from does not answer; it may do later
"""

from __future__ import annotations


class FeedError(Exception):
    """A subscription that cannot begin; the message says why and what to do."""


class BadSubscription(FeedError):
    """A filter or a position that cannot be understood."""


class PositionGone(FeedError):
    """Records behind the position were removed, so that it cannot be gone on from without a gap."""


class SourceUnavailable(FeedError):
    """Log or database do not answer."""

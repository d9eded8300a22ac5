"""The fleet's client of Valkey: it answers soon, or not at all."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S = 0.5
"""For a command: whoever waits longer asks the database."""


def fleet_cache(url: str) -> Any:
    """Return a client that answers with bytes, and connects with its first command.

    A command is not tried again by the client: those who read have the database, those who write their next turn.
    """
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )

"""The fleet's client of Valkey: it answers soon, or not at all."""

from __future__ import annotations

import threading
from typing import Any

from contract.cache_client import cache_client

TIMEOUT_S = 0.5
"""For a command: whoever waits longer asks the database."""


class FleetCache:
    """A client that answers with bytes, and connects with its first command.

    A command is not tried again by the client: those who read have the database, those who write their next turn. Each
    raises one of `contract.cache_client.CACHE_DOWN`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None
        self._connecting = threading.Lock()

    def __getattr__(self, command: str) -> Any:
        """Return the client's own method."""
        with self._connecting:
            if self._client is None:
                self._client = cache_client(self._url, timeout_s=TIMEOUT_S)
        return getattr(self._client, command)

"""Lookups beside the load of a trial with a fault: do they go on being answered?"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from contract.entities import ENTITIES
from contract.ids import base_id

_EVERY_S = 0.1
_TIMEOUT_S = 2.0
"""A lookup that takes longer has failed."""
_ANEW = {"cache-control": "no-cache"}


class LookupProbe:
    """Reads base rows ten times a second, every other time past all caches; use as a context manager.

    So the API always has something to ask of the database, whose loss could not bite otherwise where only writes
    through Kafka come.
    """

    def __init__(self, api_url: str, headers: dict[str, str]) -> None:
        """*headers* let it in."""
        parts = urlsplit(api_url)
        self._headers = headers
        self._host, self._port = parts.hostname or "", parts.port
        self._connection: http.client.HTTPConnection | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookups", daemon=True)
        self.asked = 0
        self.failed = 0
        self.longest_s = 0.0
        """Of those that were answered with success."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        users = ENTITIES["users"]
        for number in itertools.count():
            if self._over.wait(_EVERY_S):
                break
            path = f"/v1/{users.name}/{base_id(number % users.base_rows, users.number)}"
            self._ask(path, _ANEW if number % 2 else {})
        self._drop()

    def _ask(self, path: str, headers: dict[str, str]) -> None:
        begun_s = time.monotonic()
        self.asked += 1
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
            self._connection.request("GET", path, headers={**self._headers, **headers})
            answer = self._connection.getresponse()
            answer.read()
            answered = answer.status == http.client.OK
        except (OSError, http.client.HTTPException):
            answered = False
            self._drop()
        if answered:
            self.longest_s = max(self.longest_s, time.monotonic() - begun_s)
        else:
            self.failed += 1

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

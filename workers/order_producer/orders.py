"""Sends orders to the API's path through Kafka, over one connection that is kept."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

_TIMEOUT_S = 10.0
PATH = "/v1/kafka/orders"


class OrderClient:
    """One connection to the API; made anew after it was lost."""

    def __init__(self, api_url: str, api_key: str) -> None:
        self._parts = urlsplit(api_url)
        self._headers = {"content-type": "application/json"}
        if api_key:
            self._headers["authorization"] = f"Bearer {api_key}"
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: bytes) -> int:
        """Return the status of the answer; 0 where none came."""
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(self._parts.hostname or "", self._parts.port, timeout=_TIMEOUT_S)
        try:
            self._connection.request("POST", self._parts.path.rstrip("/") + PATH, body, self._headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            return 0
        return answer.status

"""Notifications: every order is told to an HTTP address, at least once."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from contract.entities import Order
from workers.groups.work import NotNow, PlainWork, Refused, Taken

_TIMEOUT_S = 5.0
_EACH = 100
"""So many notifications a request; a receiver knows each by its order's id."""


class Notification(msgspec.Struct, frozen=True):
    """What a receiver is told of one order."""

    order: str
    user: str
    status: str
    cents: int


class Notifications(PlainWork):
    """Posts the orders as JSON arrays over one connection that is kept.

    A 2xx answer means that they arrived. A 4xx answer refuses them, for ever; anything else, or none, is tried again,
    so that a receiver may hear of an order more than once.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
        self._path = parts.path or "/"
        self._encode = msgspec.json.Encoder().encode

    def take(self, records: Sequence[Taken]) -> None:
        """Deliver them; raises `NotNow` where the receiver does not answer, and `Refused`."""
        notifications = [_notification(one) for one in records]
        for begin in range(0, len(notifications), _EACH):
            self._post(notifications[begin : begin + _EACH])

    def keep(self) -> None:
        """Do nothing: what was delivered lasts."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, notifications: Sequence[Notification]) -> None:
        try:
            self._connection.request(
                "POST", self._path, self._encode(notifications), {"Content-Type": "application/json"}
            )
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # the next request opens another
            raise NotNow(f"the receiver of notifications: {type(error).__name__} {error}") from None
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status not in (
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.TOO_MANY_REQUESTS,
        ):
            raise Refused(f"the receiver of notifications refuses it with {answer.status}")
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotNow(f"the receiver of notifications answers {answer.status}")


def _notification(taken: Taken) -> Notification:
    order = taken.record
    if not isinstance(order, Order):
        raise Refused("notifications tell of orders alone")
    return Notification(str(order.id), str(order.user_id), order.status, order.total_cents)

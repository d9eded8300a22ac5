"""The users of an experiment: writers, or visitors who look things up as well."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from locust import task

from seawall.load.lookups import FROM_HTTP_CACHE, PRODUCT, TOP_PRODUCTS, UNCACHED_USER, USER, product_url, user_url
from seawall.load.users import IngestUser
from seawall.targets.metrics import Scope

_NO_CACHE = {"Cache-Control": "no-cache"}
_HIT = re.compile(rb"\r\ncache-status:[^\r]*; *hit\b", re.IGNORECASE)
"""What a cache says of an answer of its own (RFC 9211)."""
_SCATTER = 0x9E3779B1
"""The golden ratio's fraction in 32 bits: its multiples spread evenly, whatever comes in every so many."""
_PARTS = 1_000
"""Into so many parts a mix is divided, so that a weight of 0.1 % counts."""


class Habits(NamedTuple):
    """What some of the users do; shares are from 0 to 1, and independent of each other."""

    new_connections: float = 0.0
    """The share of users who open a connection for each request, as those do who come once."""
    tls: float = 0.0
    """The share of users who use TLS."""
    tls_url: str = ""
    """The service's address for them."""


class Visitor(IngestUser):
    """Writes and looks things up, with the habits of one of many."""

    abstract = True
    path: ClassVar[str]
    habits: ClassVar[Habits]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if (self.number * _SCATTER & 0xFFFFFFFF) < self.habits.tls * 2**32:
            self.client = self._client_of(self.habits.tls_url)

    def arrive(self) -> None:
        """Begin a request of its own: let go of the connection where the user is one of those."""
        # Evenly among the numbers, so that a share of 5 % is every twentieth user.
        share = self.habits.new_connections
        if int((self.number + 1) * share) > int(self.number * share):
            self.client.close()

    def look_up(self, url: str, name: str, headers: Mapping[str, str] | None = None) -> None:
        """Read *url*, counted under *name*, or as an answer of the HTTP cache where it says that it gave it."""
        self.arrive()
        with self.client.get(url, name=name, headers=headers, catch_response=True) as answer:
            if answer.head is not None and _HIT.search(answer.head):
                answer.name = name + FROM_HTTP_CACHE


def _write(user: Visitor) -> None:
    user.arrive()
    user.write_record(user.path)


def _look_user_up(user: Visitor) -> None:
    user.look_up(user_url(), USER)


def _look_product_up(user: Visitor) -> None:
    user.look_up(product_url(), PRODUCT)


def _ask_the_database(user: Visitor) -> None:
    user.look_up(user_url(), UNCACHED_USER, _NO_CACHE)


def _analyse(user: Visitor) -> None:
    user.look_up(TOP_PRODUCTS, TOP_PRODUCTS)


Deed = Callable[[Visitor], None]
_DEEDS: dict[Scope, dict[Deed, int]] = {
    Scope.WRITE: {_write: 4},
    Scope.CACHED_LOOKUP: {_look_user_up: 3, _look_product_up: 1},
    Scope.UNCACHED_LOOKUP: {_ask_the_database: 4},
    Scope.ANALYTICS: {_analyse: 4},
}
"""What requests of a scope do, in fourths."""


def deeds_by(weights: Mapping[str, float]) -> list[Deed]:
    """Return what a user draws its next request from: each scope's requests in the proportion of the *weights*.

    A scope with any weight at all is among them.
    """
    whole = sum(weights.values())
    return [
        deed
        for name, weight in weights.items()
        if weight > 0
        for deed, fourths in _DEEDS[Scope(name)].items()
        for _ in range(fourths * max(1, round(_PARTS * weight / whole)))
    ]


def user_class(path: str, weights: Mapping[str, float], habits: Habits) -> type[IngestUser]:
    """Return a user class that writes by *path*, and does the rest by *weights*, as `TrialLoad` describes them."""
    if not weights and not habits.new_connections and not habits.tls:
        return writer_by(path)

    class Mixed(Visitor):
        tasks = deeds_by(weights or {Scope.WRITE: 1.0})  # type: ignore[assignment]  # what Locust calls with the user

    Mixed.path, Mixed.habits = path, habits
    return Mixed


def writer_by(path: str) -> type[IngestUser]:
    """Return a user class that writes records by *path*."""

    class Writer(IngestUser):
        @task
        def write(self) -> None:
            self.write_record(path)

    return Writer

"""The users of an experiment: writers, or visitors who look things up as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from locust import task

from seawall.load.lookups import PRODUCT, TOP_PRODUCTS, UNCACHED_USER, USER, product_url, user_url
from seawall.load.users import IngestUser
from seawall.targets.metrics import Scope

_NO_CACHE = {"Cache-Control": "no-cache"}
_PARTS = 1_000
"""Into so many parts a mix is divided, so that a weight of 0.1 % counts."""


class Visitor(IngestUser):
    """Writes and looks things up; some open a connection for each request, as those do who come once."""

    abstract = True
    path: ClassVar[str]
    new_connections: ClassVar[float]
    """The share of such users."""

    def arrive(self) -> None:
        """Begin a request of its own: let go of the connection where the user is one of those."""
        # Evenly among the numbers, so that a share of 5 % is every twentieth user.
        if int((self.number + 1) * self.new_connections) > int(self.number * self.new_connections):
            self.client.close()


def _write(user: Visitor) -> None:
    user.arrive()
    user.write_record(user.path)


def _look_user_up(user: Visitor) -> None:
    user.arrive()
    user.client.get(user_url(), name=USER)


def _look_product_up(user: Visitor) -> None:
    user.arrive()
    user.client.get(product_url(), name=PRODUCT)


def _ask_the_database(user: Visitor) -> None:
    user.arrive()
    user.client.get(user_url(), name=UNCACHED_USER, headers=_NO_CACHE)


def _analyse(user: Visitor) -> None:
    user.arrive()
    user.client.get(TOP_PRODUCTS)


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


def user_class(path: str, weights: Mapping[str, float], new_connections: float) -> type[IngestUser]:
    """Return a user class that writes by *path*, and does the rest by *weights*, as `TrialLoad` describes them."""
    if not weights and not new_connections:
        return writer_by(path)

    class Mixed(Visitor):
        tasks = deeds_by(weights or {Scope.WRITE: 1.0})  # type: ignore[assignment]  # what Locust calls with the user

    Mixed.path, Mixed.new_connections = path, new_connections
    return Mixed


def writer_by(path: str) -> type[IngestUser]:
    """Return a user class that writes records by *path*."""

    class Writer(IngestUser):
        @task
        def write(self) -> None:
            self.write_record(path)

    return Writer

"""The cache fleet: hashes of users and products in Valkey, kept fresh by a loader and read by whoever makes orders.

Two hashes, ``cache:users`` and ``cache:products``, map an id to an entry. They are refreshed in two halves, one after
the other, so that the database is asked for half as much at a time. A third hash holds when each half was loaded last,
a fourth what the readers came to, for whoever watches.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Half = Literal["buyers", "non-buyers"]
HALVES: tuple[Half, ...] = get_args(Half)
"""Of the users: those who have bought and those who have not. A half of the products goes with each."""

USERS_KEY, PRODUCTS_KEY = "cache:users", "cache:products"
LOADED_KEY = "cache:loaded"
"""Wall clock of each half's last load, s since 1970, by the half's name."""
COUNTS_KEY = "cache:counts"
"""What readers came to since the cache was emptied: ``hits`` and ``misses`` of picks."""
FLEET_KEYS = (USERS_KEY, PRODUCTS_KEY, LOADED_KEY, COUNTS_KEY)

ENTRIES = 1_000
"""Of each hash: half of them of each half."""
CANDIDATES = 8
"""From so many users, drawn at random, one is picked by their propensity to buy."""

PROPENSITY = {"gold": 0.9, "silver": 0.6, "bronze": 0.3, "none": 0.05}
"""How likely a user of each grade is to buy, in proportion to the others."""
GRADES = {"gold": 5, "silver": 3, "bronze": 1}
"""So many orders take a user to each grade; with none there is the grade ``none``."""


class CachedUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user as the fleet reads them."""

    name: str
    grade: str
    propensity: float
    half: Half
    loaded_at: float
    """Wall clock at which the statement that read it began, s since 1970."""


class CachedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product as the fleet reads it."""

    sku: str
    price_cents: int
    half: Half
    loaded_at: float


encode = msgspec.json.Encoder().encode
decode_user = msgspec.json.Decoder(CachedUser).decode
decode_product = msgspec.json.Decoder(CachedProduct).decode


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """One load of a half, as the loader tells it on standard output, a line of JSON each."""

    half: Half
    began_at: float
    """Wall clock, s since 1970: entries are as old as this."""
    took_s: float
    users: int = 0
    products: int = 0
    queries: int = 0
    """Statements that the database was asked."""
    failed: str = ""
    """Why nothing was loaded."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of grades, as the updater tells it on standard output, a line of JSON each."""

    began_at: float
    """Wall clock, s since 1970."""
    took_s: float
    changed: int = 0
    """Users whose grade or number of orders is another, or who had none."""
    failed: str = ""

"""What can be looked up: the records of entities, and answers that are computed from records."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from contract.cache import Kind
from contract.entities import ENTITIES

Asked = UUID | int
"""What names one record or answer among those of its kind."""


class Answers(NamedTuple):
    """Answers to one question."""

    name: str


RECOMMENDATIONS = Answers("recommendations")
"""Products for a user, asked for by the user's id."""
TOP_PRODUCTS = Answers("top-products")
"""The products that sold best, asked for by how many."""

_NAMED = {name for entity in ENTITIES.values() for name in entity.references.values()}
KINDS: tuple[Kind, ...] = (
    *(entity for entity in ENTITIES.values() if entity.lookup or entity.name in _NAMED),
    RECOMMENDATIONS,
    TOP_PRODUCTS,
)


class Lifetime(NamedTuple):
    """How long each level keeps an answer."""

    memory_s: float
    shared_s: float

    @classmethod
    def within(cls, ttl_s: float) -> Lifetime:
        """Return the lifetime with which no answer gets older than *ttl_s*.

        What the memory takes from the shared cache may have spent its whole time there.
        """
        return cls(ttl_s / 2, ttl_s / 2)

"""Request bodies, drawn and serialised before the load starts, so that the hot path only puts in the id."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from contract.entities import ENTITIES, Entity
from contract.samples import AS_DRAWN, Shape, sample_fields

Number = TypeVar("Number", int, npt.NDArray[np.int64])

POOL_SIZE = 1_000
"""Different contents an entity; the record's user and sequence say which one it carries."""

MIXES: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ENTITIES},
    "mixed": ("orders",) * 4 + ("users",) + ("orders",) * 4 + ("products",),
}
"""What ``--entity`` may name: one entity, or the mix of an ordinary shop."""


def content_index(user: Number, sequence: Number) -> Number:
    """Return which content of the pool the record with this user and sequence carries.

    Works on numpy arrays too: the audit derives a whole ledger's contents with it.
    """
    return (user * 37 + sequence) % POOL_SIZE


def entity_at(mix: tuple[str, ...], user: int, sequence: int) -> str:
    """Return the entity that the record with this user and sequence is."""
    return mix[(user + sequence) % len(mix)]


class Write(NamedTuple):
    """What the writes of one entity by one path have in common."""

    entity: int
    """Its number."""
    url: str
    tails: tuple[bytes, ...]
    """The pool of bodies without their heads."""


class Writes(dict[str, tuple[Write, ...]]):
    """For each write path the mix, in its order: `write_at` says whose turn it is."""

    def __init__(self, mix: tuple[str, ...], bodies: dict[str, tuple[bytes, ...]]) -> None:
        super().__init__()
        self._mix, self._bodies = mix, bodies

    def __missing__(self, path: str) -> tuple[Write, ...]:
        writes = tuple(
            Write(ENTITIES[name].number, f"/v1/{path}/{name}", self._bodies[name])
            for name in (entity_at(self._mix, 0, place) for place in range(len(self._mix)))
        )
        return self.setdefault(path, writes)


def write_at(writes: tuple[Write, ...], user: int, sequence: int) -> Write:
    """Return the write of the entity that `entity_at` names."""
    return writes[(user + sequence) % len(writes)]


def body_tails(entity: Entity, seed: int, shape: Shape = AS_DRAWN) -> tuple[bytes, ...]:
    """Return the bodies of the pool without their head; each follows ``{"id":"<id>"``."""
    return _body_tails(entity.name, seed, shape)


@lru_cache(maxsize=8)  # of this trial and the last; hundreds with seeds of their own must not pile up
def _body_tails(name: str, seed: int, shape: Shape) -> tuple[bytes, ...]:
    encode = msgspec.json.Encoder().encode
    return tuple(b"," + encode(fields)[1:] for fields in sample_fields(ENTITIES[name], seed, POOL_SIZE, shape))

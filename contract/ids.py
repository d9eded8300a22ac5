"""Record ids: UUIDs of version 8 (RFC 9562, section 5.8) that hold run, user and sequence and sort by time.

::

    48 bits  run_ms     wall clock of the run's start, milliseconds since 1970
     4 bits  8          version
    12 bits  nonce      tells apart runs that started in the same millisecond
     2 bits  0b10       variant
    32 bits  sequence   of the user, counting up
    26 bits  user       10 bits of the generator's process, 16 bits of the user in it
     4 bits  entity     `Entity.number`

Within a run the sequence stands before the user, so ids of users that keep the same pace sort by time, which keeps a
B-tree's inserts at its right edge. A ledger needs no id column: the id follows from run, user and sequence.
"""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple
from uuid import UUID

SEQUENCE_BITS, USER_BITS, ENTITY_BITS = 32, 26, 4
LOCAL_USER_BITS = 16
"""User numbers of one process of the generator; the bits above them number the process."""
_VARIANT = 0b10 << 62
BASE_RUN_MS = 0
"""The run of base rows: no count includes them."""


class Run(NamedTuple):
    """One generator's run: the part that all its ids share."""

    ms: int
    nonce: int

    @property
    def high(self) -> int:
        """The upper 64 bits of every id of this run."""
        return (self.ms << 16) | (8 << 12) | self.nonce


class Parts(NamedTuple):
    """What an id holds."""

    run: Run
    sequence: int
    user: int
    entity: int


def new_run() -> Run:
    """Return a run that no other process shares."""
    return Run(time.time_ns() // 1_000_000, secrets.randbits(12))


def low_bits(sequence: int, user: int, entity: int) -> int:
    """Return the lower 64 bits of an id."""
    return _VARIANT | (sequence << (USER_BITS + ENTITY_BITS)) | (user << ENTITY_BITS) | entity


def mint(run: Run, sequence: int, user: int, entity: int) -> UUID:
    """Return the id of one record; each part must fit its bits."""
    if not (0 <= run.ms < 1 << 48 and 0 <= run.nonce < 1 << 12):
        raise ValueError(f"run {run} does not fit 48 and 12 bits")
    if not (0 <= sequence < 1 << SEQUENCE_BITS and 0 <= user < 1 << USER_BITS and 0 <= entity < 1 << ENTITY_BITS):
        raise ValueError(f"sequence {sequence}, user {user} or entity {entity} does not fit its bits")
    return UUID(int=(run.high << 64) | low_bits(sequence, user, entity))


def split(identity: UUID) -> Parts:
    """Return what the bits of a minted *identity* hold."""
    high, low = identity.int >> 64, identity.int & ((1 << 64) - 1)
    return Parts(
        Run(high >> 16, high & 0xFFF),
        (low >> (USER_BITS + ENTITY_BITS)) & ((1 << SEQUENCE_BITS) - 1),
        (low >> ENTITY_BITS) & ((1 << USER_BITS) - 1),
        low & ((1 << ENTITY_BITS) - 1),
    )


def base_id(index: int, entity: int) -> UUID:
    """Return the id of the base row number *index*."""
    return mint(Run(BASE_RUN_MS, 0), index, 0, entity)


FIRST_RUN_ID = mint(Run(BASE_RUN_MS + 1, 0), 0, 0, 0)
"""Ids from here on belong to runs; those below it are base rows."""

"""Which records the independent reader asks for, and what it has seen of them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from contract.entities import ENTITIES
from contract.ids import ENTITY_BITS, SEQUENCE_BITS, USER_BITS, Run, low_bits
from seawall.load.payloads import entity_at

LEAST_AHEAD, MOST_AHEAD = 8, 128
"""So many sequences beyond the last one seen are asked for; more where many appear between two polls."""

LEFT_BEHIND = 256
"""A record so far behind its user's last one is not waited for any longer: it was refused, or is lost."""

_UUID_OID = 2950
_ARRAY_HEAD = struct.Struct("!iiiii")
_ELEMENT = struct.Struct("!iQQ")
_SEQUENCES = (1 << SEQUENCE_BITS) - 1
_USERS = (1 << USER_BITS) - 1


class Sighting(NamedTuple):
    """One record; times are monotonic ns, -1 where there is none."""

    low: int
    unseen_ns: int
    """Begin of the last poll that asked for it and did not see it."""
    begin_ns: int
    end_ns: int
    """Begin and end of the poll that saw it first."""


Encode = Callable[[int, Sequence[int]], bytes]
"""Writes ids, of which it gets the upper bits that all share and the lower ones, as a database takes them."""


def uuid_array(high: int, low: Sequence[int]) -> bytes:
    """Return the ids as PostgreSQL's binary ``uuid[]``."""
    if not low:
        return struct.pack("!iii", 0, 0, _UUID_OID)
    head = _ARRAY_HEAD.pack(1, 0, _UUID_OID, len(low), 1)
    return head + b"".join(_ELEMENT.pack(16, high, one) for one in low)


def hexadecimal_list(high: int, low: Sequence[int]) -> bytes:
    """Return the ids as MariaDB's literals of 16 bytes, with commas between them."""
    return b",".join(b"0x%016x%016x" % (high, one) for one in low) or b"NULL"


@dataclass
class Wanted:
    """The ids of one entity that the next poll asks for."""

    high: int
    encode: Encode
    low: set[int] = field(default_factory=set)
    _encoded: bytes | None = None

    def change(self, *, add: Iterable[int] = (), drop: Iterable[int] = ()) -> None:
        """Ask for more, or no longer."""
        self.low.update(add)
        self.low.difference_update(drop)
        self._encoded = None

    @property
    def encoded(self) -> bytes:
        """The ids as the database takes them; made anew only where they have changed."""
        if self._encoded is None:
            self._encoded = self.encode(self.high, sorted(self.low))
        return self._encoded


class Follower:
    """Follows each user's records through its rising sequences."""

    def __init__(self, run: Run, mix: Sequence[str], users: Sequence[int], encode: Encode = uuid_array) -> None:
        self.run = run
        self._mix = tuple(mix)
        self._seen: list[Sighting] = []
        self._given_up: list[Sighting] = []
        self._asked_at: dict[int, int] = {}
        """For each id that is asked for, the number of the first poll that did."""
        self._poll = 0
        self._last_begin_ns = -1
        self._wanted = {ENTITIES[name].number: Wanted(run.high, encode) for name in self._mix}
        self._users = {user: _User() for user in users}
        for user in users:
            self._ask(user, LEAST_AHEAD)

    def wanted(self) -> dict[int, Wanted]:
        """Return what the next poll should ask for, by entity number."""
        return self._wanted

    def note(self, seen: Iterable[int], begin_ns: int, end_ns: int) -> None:
        """Take the answer of one poll: the lower bits of those ids that had a row."""
        appeared: dict[int, int] = {}
        for low in seen:
            first_poll = self._asked_at.pop(low, None)
            if first_poll is None:
                continue  # a table without its key holds it twice
            unseen_ns = self._last_begin_ns if first_poll < self._poll else -1
            self._seen.append(Sighting(low, unseen_ns, begin_ns, end_ns))
            user, sequence = (low >> ENTITY_BITS) & _USERS, (low >> (ENTITY_BITS + USER_BITS)) & _SEQUENCES
            self._wanted[low & ((1 << ENTITY_BITS) - 1)].change(drop=[low])
            self._users[user].highest = max(self._users[user].highest, sequence)
            appeared[user] = appeared.get(user, 0) + 1
        self._poll += 1
        self._last_begin_ns = begin_ns
        for user, count in appeared.items():
            self._ask(user, min(MOST_AHEAD, max(LEAST_AHEAD, 2 * count)))

    def sightings(self) -> list[Sighting]:
        """Return all records that were asked for, those that were never seen among them."""
        waiting = [self._unseen(low) for low in self._asked_at]
        return sorted(self._seen + self._given_up + waiting)

    def _unseen(self, low: int) -> Sighting:
        asked = self._asked_at[low] < self._poll
        return Sighting(low, self._last_begin_ns if asked else -1, -1, -1)

    def _ask(self, user: int, ahead: int) -> None:
        """Ask for what the user may write next, and give up what it left behind."""
        state = self._users[user]
        for sequence in range(state.asked_to + 1, state.highest + ahead + 1):
            low, number = self._low(user, sequence)
            self._asked_at[low] = self._poll
            self._wanted[number].change(add=[low])
        state.asked_to = max(state.asked_to, state.highest + ahead)
        for sequence in range(state.waited_from, state.highest - LEFT_BEHIND):
            low, number = self._low(user, sequence)
            if low in self._asked_at:
                self._given_up.append(self._unseen(low))
                del self._asked_at[low]
                self._wanted[number].change(drop=[low])
        state.waited_from = max(state.waited_from, state.highest - LEFT_BEHIND)

    def _low(self, user: int, sequence: int) -> tuple[int, int]:
        number = ENTITIES[entity_at(self._mix, user, sequence)].number
        return low_bits(sequence, user, number), number


@dataclass
class _User:
    highest: int = 0
    """The highest sequence that was seen."""
    asked_to: int = 0
    waited_from: int = 1

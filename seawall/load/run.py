"""What all users of one run in this process share: its ids, its payloads, its pace, its recorder."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import gevent
from gevent import Greenlet
from gevent.event import Event

from contract.entities import ENTITIES
from contract.ids import ENTITY_BITS, LOCAL_USER_BITS, USER_BITS, Run, low_bits, new_run
from contract.samples import AS_DRAWN, Shape
from contract.topics import PARTITIONS
from seawall.load.key_skew import skewed_sequences
from seawall.load.pace import Arrival, AsFastAsAnswered, Pace, Tickets, schedule_of
from seawall.load.payloads import MIXES, Writes, body_tails, entity_at
from seawall.load.profile import Curve, Profile
from seawall.load.profiled import AlongProfile, times_of
from seawall.load.recorder import NullRecorder, Recorder
from seawall.load.traces import LoadTraces

LAST_DEEDS_S = 5.0
"""So long an `on_stop` of users may take."""


class Member(Protocol):
    """A user, as its run sees it."""

    number: int

    def owes(self, now_ns: int) -> int:
        """Return how many requests were due by now and not sent."""
        ...

    def dismiss(self) -> Greenlet | None:
        """End now if nothing is under way, and return what is ending; else end with the answer."""
        ...


@dataclass
class LoadRun:
    """One run of load in this process."""

    seed: int
    entity: str
    rate_per_s: float
    path: str = "kafka"
    """How records are written where their users do not say."""
    shape: Shape = AS_DRAWN
    arrival: Arrival = "uniform"
    key_skew: float = 0.0
    partitions: int = PARTITIONS
    worker_index: int = 0
    run: Run = field(default_factory=new_run)
    recorder: Recorder = field(default_factory=NullRecorder)
    gate: Event = field(default_factory=Event)
    start_ns: int = 0
    end_ns: int | None = None
    tickets: Tickets | None = None
    planned_users: int | None = None
    """How many there will be; None where that is not known beforehand."""
    profile: Profile | None = None
    """What all users of all processes follow together; None where each has a rate of its own."""
    places: int = 0
    """How many users follow it, in all processes."""
    first_place: int = 0
    """That of this process's first user."""
    curve: Curve | None = None
    """That of the profile, once it begins."""
    closed: bool = False
    """No user sends any more; answers under way are still awaited."""
    connections: int = 0
    """Connections that users have opened."""
    traces: LoadTraces | None = None
    """What traces some of the requests; None where none is traced."""
    outlet: object = None
    """What users of Kafka send by, or why there is nothing; None where there are no such users."""
    waiting: int = 0
    """Users that are connected and wait at the gate."""
    resting: int = 0
    """Users that have sent all of theirs and wait for the others."""
    all_rest: Event = field(default_factory=Event)
    farewell: Event = field(default_factory=Event)
    """Lets those go."""
    writes: Writes = field(init=False)
    unsent: int = 0
    """Requests that were due when their user left or the run ended, and were not sent."""
    _members: dict[int, Member] = field(default_factory=dict)
    _users: int = 0
    _following: int = 0
    """How many of this process's users were there when the profile began."""

    def __post_init__(self) -> None:
        bodies = {name: body_tails(ENTITIES[name], self.seed, self.shape) for name in set(self.mix)}
        self.writes = Writes(self.mix, bodies)

    def open_gate(self, start_ns: int, end_ns: int | None) -> None:
        """Let the users start: each waits for this before its first request."""
        self.start_ns, self.end_ns = start_ns, end_ns
        self.gate.set()

    def follow(self, start_ns: int, first_place: int) -> None:
        """Let all users that wait follow the profile from *start_ns* on, from their places on."""
        assert self.profile is not None
        if not self.gate.is_set():
            self.first_place, self.curve, self._following = first_place, Curve(self.profile), self.waiting
            self.open_gate(start_ns, start_ns + self.profile.length_ns)

    @property
    def mix(self) -> tuple[str, ...]:
        """The entities of the records, in their order."""
        return MIXES[self.entity]

    def next_user(self) -> int:
        """Return the number of a new user, unique over all processes of a distributed run."""
        number = (self.worker_index << LOCAL_USER_BITS) | self._users
        self._users = (self._users + 1) & ((1 << LOCAL_USER_BITS) - 1)
        if number >= 1 << USER_BITS:
            raise ValueError(f"worker {self.worker_index}: ids have room for {1 << (USER_BITS - LOCAL_USER_BITS)}")
        return number

    def note_connection(self) -> None:
        """Count a connection that was opened."""
        self.connections += 1

    @property
    def users(self) -> int:
        """How many users have been started so far."""
        return self._users

    def pace_of(self, user: int, joined_ns: int) -> Pace:
        """Return when *user* sends, from *joined_ns* on."""
        if self.curve is not None:
            return self._along(self.curve, user & ((1 << LOCAL_USER_BITS) - 1))
        if self.tickets is not None:
            return AsFastAsAnswered(self.tickets)
        if self.arrival == "closed":
            return AsFastAsAnswered(Tickets(math.inf))
        return schedule_of(
            self.arrival, self.rate_per_s, joined_ns, self.end_ns, seed=self.seed, user=user, users=self.planned_users
        )

    def _along(self, curve: Curve, own: int) -> Pace:
        """Return the pace of a user by its number in this process; who comes later has no place and sends nothing."""
        place = self.first_place + own
        times_ns = times_of(curve, self.arrival, seed=self.seed, place=place, places=self.places)
        return AlongProfile(times_ns if own < self._following else iter(()), self.start_ns)

    def join(self, member: Member) -> None:
        """Let *member* take part from now on."""
        self._members[member.number] = member

    def rest(self) -> None:
        """Wait until nobody sends any more.

        Ten thousand users that each leave after their last request would keep generator and service busy with ends of
        connections while the last second of the others is measured.
        """
        self.resting += 1
        if self.resting >= len(self._members):
            self.all_rest.set()
        self.farewell.wait()

    def leave(self, member: Member, now_ns: int) -> None:
        """Count what *member* still owes; it sends no more."""
        if self._members.pop(member.number, None) is not None:
            self.unsent += member.owes(now_ns)

    def finish(self, end_ns: int) -> None:
        """End the run: no user sends any more, and what was due by *end_ns* and not sent is counted."""
        self.closed = True
        self.farewell.set()
        ending = []
        for member in list(self._members.values()):
            self.leave(member, end_ns)
            ending.append(member.dismiss())
        gevent.joinall([greenlet for greenlet in ending if greenlet is not None], timeout=LAST_DEEDS_S)

    def sequences(self, user: int, identity: Callable[[int, int], bytes]) -> Iterator[int]:
        """Return the sequence numbers of *user*'s records."""
        if not self.key_skew:
            return itertools.count(1)
        mix = self.mix

        def entity_number(sequence: int) -> int:
            return ENTITIES[entity_at(mix, user, sequence)].number

        seed = f"{self.seed}/{user}/keys"
        return skewed_sequences(identity, entity_number, self.key_skew, self.partitions, seed)

    def identity_maker(self, user: int) -> Callable[[int, int], bytes]:
        """Return a function from (sequence, entity number) to the text of the id, for one user."""
        high = f"{self.run.high:016x}"
        text = f"{high[:8]}-{high[8:12]}-{high[12:]}-%04x-%012x".encode()
        user_bits = low_bits(0, user, 0)

        def identity(sequence: int, entity: int) -> bytes:
            low = user_bits | (sequence << (USER_BITS + ENTITY_BITS)) | entity
            return text % (low >> 48, low & 0xFFFF_FFFF_FFFF)

        return identity

"""The independent reader: ``python -m seawall.audit.reader`` polls the tables for some users' records.

It believes nobody: neither the service's answers nor the sinks' journals. It knows the users, the mix of entities and
that a user's sequences rise; the run it finds out from the first row that appears. A `ReaderPlan` comes as a line over
standard input; a `Ready` line answers it once the tables are polled. The line ``stop``, or the end of the input, ends
it, and a `ReaderReport` is its last line.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from array import array
from contextlib import suppress
from pathlib import Path

import msgspec

from contract.entities import ENTITIES
from contract.ids import Run, mint
from seawall.audit.follow import Follower
from seawall.audit.polls import polls_of

_RECONNECT_S = 0.2


class ReaderPlan(msgspec.Struct, kw_only=True, frozen=True, tag="plan"):
    """What to follow."""

    database_url: str
    """Without a driver's name."""
    mix: tuple[str, ...]
    """The entities of the records, in the order of `seawall.load.payloads.MIXES`."""
    users: tuple[int, ...]
    since_ms: int
    """Wall clock: runs that started before are of no interest."""
    every_ms: float = 10.0
    niceness: int = 0


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The tables are polled."""


class ReaderReport(msgspec.Struct, kw_only=True, frozen=True, tag="report"):
    """What was seen; the lists belong together, a record each, times monotonic ns and -1 where there is none."""

    run_ms: int
    run_nonce: int
    low: list[int]
    unseen_ns: list[int]
    """Begin of the last poll that asked for the record and did not see it."""
    begin_ns: list[int]
    """Begin and end of the first poll that saw it; -1 where none did."""
    end_ns: list[int]
    polls_ns: list[int]
    """Begin of every poll, from the first that knew the run."""
    failed_polls: int
    cpu_s: float
    wall_s: float


class Reader:
    """Polls with one connection, which it opens again when it is lost."""

    def __init__(self, plan: ReaderPlan) -> None:
        self._plan = plan
        self._entities = [ENTITIES[name] for name in sorted(set(plan.mix))]
        self._first = mint(Run(plan.since_ms, 0), 0, 0, 0)
        self._polls = polls_of(plan.database_url, self._entities)
        self._follower: Follower | None = None
        self._polls_ns = array("q")
        self._failed = 0

    def run(self, stop: threading.Event) -> ReaderReport:
        """Poll until *stop* is set, and once more."""
        every_s = self._plan.every_ms / 1000
        begun_s, begun_cpu_s = time.monotonic(), time.process_time()
        due_s, ended = begun_s, False
        while not ended:
            ended = stop.wait(max(0.0, due_s - time.monotonic()))
            try:
                self._poll()
            except self._polls.errors:
                self._failed += 1
                self._polls.close()
                stop.wait(_RECONNECT_S)
            due_s = max(due_s + every_s, time.monotonic())
        self._polls.close()
        run, sightings = (self._follower.run, self._follower.sightings()) if self._follower else (Run(0, 0), [])
        low, unseen_ns, begin_ns, end_ns = map(list, zip(*sightings, strict=True)) if sightings else ([], [], [], [])
        return ReaderReport(
            run_ms=run.ms,
            run_nonce=run.nonce,
            low=low,
            unseen_ns=unseen_ns,
            begin_ns=begin_ns,
            end_ns=end_ns,
            polls_ns=self._polls_ns.tolist(),
            failed_polls=self._failed,
            cpu_s=time.process_time() - begun_cpu_s,
            wall_s=time.monotonic() - begun_s,
        )

    def _poll(self) -> None:
        if self._follower is None:
            first = self._polls.first_from(self._first)
            if first is None:
                return
            high = first.int >> 64
            run = Run(high >> 16, high & 0xFFF)
            self._follower = Follower(run, self._plan.mix, self._plan.users, self._polls.encode)
        wanted = self._follower.wanted()
        begin_ns = time.monotonic_ns()
        seen = self._polls.seen([wanted[entity.number] for entity in self._entities])
        end_ns = time.monotonic_ns()
        self._polls_ns.append(begin_ns)
        self._follower.note(seen, begin_ns, end_ns)


def main() -> None:
    """Follow one plan."""
    plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=ReaderPlan)
    os.nice(plan.niceness)
    with suppress(OSError):  # see seawall/stack/launch.py: niceness counts only within a session
        Path("/proc/self/autogroup").write_text(str(plan.niceness), encoding="ascii")
    stop = threading.Event()

    def listen() -> None:
        sys.stdin.buffer.readline()  # "stop", or nothing because the parent is gone
        stop.set()

    reader = Reader(plan)
    threading.Thread(target=listen, daemon=True).start()
    try:
        os.write(1, msgspec.json.encode(Ready()) + b"\n")
    except BrokenPipeError:  # who started it was interrupted meanwhile
        os._exit(0)  # the thread may hold the lock of the input, at which an ordinary end aborts
    report = reader.run(stop)
    with suppress(BrokenPipeError), sys.stdout.buffer as output:  # nobody may be waiting for it any more
        output.write(msgspec.json.encode(report) + b"\n")


if __name__ == "__main__":
    main()

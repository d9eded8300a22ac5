"""Do 100,000 hostile requests end in a fault, in a row, in memory, or in a worse service for everybody else?

Honest users write through Kafka at a pace that leaves both processors room. Meanwhile another process sends requests
that no client would send: malformed, smuggled, damaged, too large, too deep, without a valid key, and, on further
connections, too slowly ever to end. Each honest request is recorded and judged as in a trial.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import numpy as np

from benchmarks.errors import ProcessFailed
from benchmarks.hostile_load import HostileLoad, HostileSeen
from benchmarks.measuring_process import ask
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from contract.entities import ENTITIES
from contract.ids import mint, new_run
from contract.samples import sample_fields
from seawall.audit.ledger import Ledger, read_ledger
from seawall.experiments.load_process import LoadProcess
from seawall.load.trial import Progress, TrialDone, TrialLoad
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

LATE_MS = 200.0
"""The shipped target for writes, p95."""
MOST_GROWTH = 5.0
"""Per cent of the API's memory, from when a tenth of the requests was sent to the last."""
LATEST_MS = 50.0
"""Later than that, p99, the honest users' generator was itself the bottleneck."""
_USERS, _RATE_PER_S = 100, 200.0
_BEFORE_S, _AFTER_S = 10.0, 5.0
_CONNECTIONS, _SLOW = 64, 200
_EXPECTED_PER_S = 1_000.0
"""The honest users go on for longer than this rate of attacks would need."""
_DRAIN_S = 30.0
USERS = ENTITIES["users"]


@dataclass(frozen=True)
class Besieged:
    """What became of both."""

    seen: HostileSeen
    before_p95_ms: float
    p95_ms: float
    """From when a request of an honest user was due to its answer, while the attack went on; unanswered ones count."""
    failed: int
    """Of the honest users' requests meanwhile."""
    start_lag_p99_ms: float
    honest: int
    rows: int
    """In the tables, of whatever run."""
    stored: int
    """Of the honest users' records, those that were acknowledged."""
    bytes_then: int
    bytes_last: int


def figures_of(found: Besieged) -> list[Figure]:
    """Return what is held against what was asked."""
    seen = found.seen
    growth = 100 * (found.bytes_last / found.bytes_then - 1)
    offered = found.start_lag_p99_ms <= LATEST_MS
    statuses = ", ".join(f"{status or 'closed'} {count:,}" for status, count in sorted(seen.statuses.items()))
    return [
        Figure(name="hostile requests", measured=seen.requests, error=f"{seen.requests / seen.seconds:,.0f}/s"),
        Figure(
            name="answered by 5xx other than 503",
            measured=seen.fault_count,
            error=statuses,
            asked="none",
            reached=not seen.fault_count,
        ),
        Figure(
            name="slow connections that were ended",
            measured=seen.slow_ended,
            error=f"{_SLOW} at a time",
            asked="some" if seen.seconds > _SLOW_ENDS_S else "",
            reached=seen.slow_ended > 0 if seen.seconds > _SLOW_ENDS_S else None,
        ),
        Figure(
            name="rows that nobody was promised",
            measured=found.rows - found.stored,
            asked="none",
            reached=found.rows == found.stored,
        ),
        Figure(
            name="memory of the API at the end",
            measured=found.bytes_last / 1e6,
            unit="MB",
            beside=found.bytes_then / 1e6,
            error=f"{growth:+.1f} % since a tenth was sent",
            asked=f"at most {MOST_GROWTH:g} % more",
            reached=growth <= MOST_GROWTH,
        ),
        Figure(
            name="honest users meanwhile, p95",
            measured=found.p95_ms,
            unit="ms",
            beside=found.before_p95_ms,
            error=f"{found.honest:,} requests" + ("" if offered else "; not told: their generator was late"),
            asked=f"at most {LATE_MS:g} ms",
            reached=found.p95_ms <= LATE_MS if offered else None,
        ),
        Figure(name="of theirs failed", measured=found.failed, asked="none", reached=not found.failed),
        Figure(name="their generator's start lag, p99", measured=found.start_lag_p99_ms, unit="ms"),
    ]


_SLOW_ENDS_S = 25.0
"""A request has 20 s to arrive."""


class _Siege:
    """Honest users on a stack, and the attack beside them."""

    def __init__(self, stack: Stack, load: LoadProcess, directory: Path, requests: int, seed: int) -> None:
        self._stack, self._load, self._directory = stack, load, directory
        self._requests, self._seed = requests, seed
        self._seen: list[HostileSeen] = []
        self._times_ns: list[int] = []
        self._memory: list[tuple[int, int]] = []

    def run(self) -> Besieged:
        """Attack; raises `ProcessFailed` where the honest users' time was over before."""
        thread = threading.Thread(target=self._attack, name="attack")
        begun_s: float | None = None

        def watch(progress: Progress) -> None:
            nonlocal begun_s
            if begun_s is None and progress.answered:
                begun_s = time.monotonic()
            if begun_s is not None and thread.ident is None and time.monotonic() >= begun_s + _BEFORE_S:
                thread.start()
            self._memory.append((time.monotonic_ns(), self._stack.resources()["api"].rss_bytes))

        duration_s = _BEFORE_S + self._requests / _EXPECTED_PER_S + _AFTER_S
        done = self._load.run(self._trial(duration_s), watch)
        if thread.ident is not None:
            thread.join()
        if not self._seen:
            raise ProcessFailed("the attack could not be made; what it said stands above")
        if self._times_ns[1] > done.end_ns:
            raise ProcessFailed(
                f"the attack took {self._seen[0].seconds:.0f} s, longer than the honest users went on: send fewer"
                " --requests from such a machine"
            )
        self._drain()
        return self._besieged(done)

    def _attack(self) -> None:
        run = new_run()
        records = [
            msgspec.json.encode({"id": mint(run, number, 1, USERS.number), **sample_fields(USERS, 1, 1)[0]}).decode()
            for number in (1, 2)
        ]
        place = urlsplit(self._stack.state.api_url)
        load = HostileLoad(
            host=place.hostname or "",
            port=place.port or 80,
            key=self._stack.state.api_key,
            record=records[0],
            other=records[1],
            requests=self._requests,
            connections=_CONNECTIONS,
            slow=_SLOW,
            seed=self._seed,
        )
        self._times_ns.append(time.monotonic_ns())
        seen = ask("benchmarks.hostile_load", load, HostileSeen)
        self._times_ns.append(time.monotonic_ns())
        self._seen.append(seen)

    def _besieged(self, done: TrialDone) -> Besieged:
        ledger = read_ledger(Path(done.ledger))
        begin_ns, end_ns = self._times_ns
        meanwhile = (ledger.intended_ns >= begin_ns) & (ledger.intended_ns < end_ns)
        before = ledger.intended_ns < begin_ns
        since_ns = begin_ns + (end_ns - begin_ns) // 10
        memory = [used for at_ns, used in self._memory if since_ns <= at_ns < end_ns]
        return Besieged(
            seen=self._seen[0],
            before_p95_ms=_p95_ms(ledger, before),
            p95_ms=_p95_ms(ledger, meanwhile),
            failed=int((~ledger.succeeded & meanwhile).sum()),
            start_lag_p99_ms=float(np.quantile(ledger.generator_lag_ns[meanwhile] / 1e6, 0.99)),
            honest=int(meanwhile.sum()),
            rows=sum(self._stack.row_counts().values()),
            stored=int(ledger.accepted.sum()),
            bytes_then=memory[0],
            bytes_last=max(memory[-5:]),
        )

    def _trial(self, duration_s: float) -> TrialLoad:
        return TrialLoad(
            name="honest",
            path="kafka",
            entity="mixed",
            users=_USERS,
            rate_per_s=_RATE_PER_S / _USERS,
            duration_s=duration_s,
            seed=self._seed,
            directory=str(self._directory),
            partitions=self._stack.state.partitions,
        )

    def _drain(self) -> None:
        due_s = time.monotonic() + _DRAIN_S
        while self._stack.lag():
            if time.monotonic() > due_s:
                raise ProcessFailed(f"the log was not drained within {_DRAIN_S:g} s")
            time.sleep(0.1)


def _p95_ms(ledger: Ledger, chosen: np.ndarray) -> float:
    return float(np.quantile((ledger.answered_ns - ledger.intended_ns)[chosen] / 1e6, 0.95))


def main(arguments: Sequence[str]) -> int:
    """Attack, print the figures, and return 0 if they are reached."""
    parser = argument_parser("hostile", __doc__)
    parser.add_argument("--requests", type=int, help="how many hostile ones (default 100,000; with --quick, 2,000)")
    asked = parser.parse_args(arguments)
    count = asked.requests or (2_000 if asked.quick else 100_000)
    report = BenchmarkReport(
        benchmark="hostile",
        question="do hostile requests end in a fault, a row, memory, or in a worse service for everybody else?",
        quick=asked.quick,
        beside_name="before",
    )
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-hostile-") as name:
        stack = Stack.up(StackOptions(), owner="bench hostile")
        try:
            with LoadProcess(stack.state.api_url, Path(name) / "load.log") as load:
                found = _Siege(stack, load, Path(name), count, asked.seed).run()
        finally:
            stack.down()
    report.figures = figures_of(found)
    report.notes = [
        f"Honest users: {_USERS}, {_RATE_PER_S:g} writes a second through Kafka, open loop, from when each was due.",
        "Of the hostile requests 40 % are attacks by name, 50 % damaged ones with a valid key, 10 % have a wrong key.",
        f"{found.seen.unanswered:,} announced more than they sent and were left by the attacker a moment later.",
        *(f"FAULT {fault}" for fault in found.seen.faults),
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

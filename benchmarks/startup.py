"""Does a whole stack start within 5 s from a filled cache?

`bin/seawall up` and `down` are typed again and again, and in between the servers that take longest are started alone:
a broker, with the archive of its classes and without it, and PostgreSQL. A stack cannot start faster than its slowest
server, and how much more it takes is its own share.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.startup_round import StackStart, own_home, start_broker, start_postgres, start_stack
from seawall.cli.interruption import interruptible
from seawall.stack.class_archive import ClassArchive
from seawall.stack.jars import JarCache
from seawall.stack.java import Java, find_java
from seawall.stats.quantiles import quantile_interval
from seawall.stats.trials import geometric_mean

MOST_S = 5.0
ROUNDS, QUICK_ROUNDS = 12, 1
_FEWEST_FOR_INTERVAL = 6

PHASES = (
    ("until the supervisor has a plan", "", "starting kafka-1"),
    ("Valkey", "starting valkey", "ready valkey"),
    ("PostgreSQL: initdb, start", "starting postgres", "ready postgres"),
    ("tables", "ready postgres", "step postgres"),
    ("Kafka: jars and classes looked at, format, start", "starting kafka-1", "ready kafka-1"),
    ("topics, producer ids, the group's coordinator", "ready kafka-1", "step kafka"),
    ("sink: every partition has its member", "step kafka", "ready sink-1"),
    ("API: every dependency answers, the producer has its id", "step kafka", "ready api"),
    ("from the last answer to the prompt", "up", ""),
)
"""Each with the event at which it begins, or the command typed, and that at which it ends, or the command's end."""


class Round(NamedTuple):
    """What was started in one round, and how long each took."""

    stack: StackStart
    broker_s: float
    plain_broker_s: float
    postgres_s: float


def median(name: str, seconds: Sequence[float], **rest: object) -> Figure:
    """Return the median as a figure, with its 95 % interval where there are enough for one."""
    found = {"error": _interval(seconds), **rest}
    return Figure(name=name, measured=float(np.median(seconds)), unit="s", **found)  # type: ignore[arg-type]


def _interval(seconds: Sequence[float]) -> str:
    if len(seconds) < _FEWEST_FOR_INTERVAL:
        return ""
    interval = quantile_interval(np.array(seconds), 0.5)
    return f"{interval.low:.2f} to {interval.high:.2f} s"


def phases(starts: Sequence[StackStart]) -> list[Figure]:
    """Return how long each phase took; those that do not wait for each other overlap."""
    found = []
    for name, begins, ends in PHASES:
        took = [
            (start.events[ends] if ends else start.up_s) - (start.events[begins] if begins else 0.0) for start in starts
        ]
        found.append(median(f"· {name}", took))
    return found


def judged(ups: Sequence[float]) -> Figure:
    """Return the stack's start, held against what is asked: by its interval where there is one."""
    highest = quantile_interval(np.array(ups), 0.5).high if len(ups) >= _FEWEST_FOR_INTERVAL else float(np.median(ups))
    return median(
        "bin/seawall up",
        ups,
        beside=MOST_S,
        asked=f"at most {MOST_S:g} s, its interval included",
        reached=highest <= MOST_S,
    )


def beside(name: str, ups: Sequence[float], alone: Sequence[float]) -> Figure:
    """Return how long a server alone takes, and how many times as long the stack of the same round did."""
    error = _interval(alone)
    if len(ups) > 1:
        ratio = geometric_mean(np.array(ups) / np.array(alone))
        error += f"; the stack takes {ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f}) times as long"
    return median(name, alone, error=error.removeprefix("; "))


def one_round(java: Java, number: int, *, with_plain: bool) -> Round:
    """Start everything once, in one order or its reverse."""
    found: dict[str, Any] = {"plain_broker_s": float("nan")}
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("stack", start_stack),
        ("broker_s", partial(start_broker, java, archived=True)),
        ("postgres_s", start_postgres),
    ]
    if with_plain:
        steps.append(("plain_broker_s", partial(start_broker, java, archived=False)))
    for name, step in steps if number % 2 == 0 else reversed(steps):
        found[name] = step()
    return Round(**found)


def main(arguments: Sequence[str]) -> int:
    """Start stacks and servers in turn, print what took how long, and return 0 if the stack is fast enough."""
    parser = argument_parser("startup", __doc__)
    parser.add_argument("--rounds", type=int, help=f"of a start of everything (default {ROUNDS})")
    asked = parser.parse_args(arguments)
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    report = BenchmarkReport(
        benchmark="startup",
        question="how long does `bin/seawall up` take from a filled cache, one broker?",
        quick=asked.quick,
        beside_name="limit",
    )
    java = find_java()
    with interruptible(), own_home():
        if not (asked.quick and ClassArchive(java, JarCache()).complete):
            start_stack()  # fills the cache, and that of the machine
        rows = [one_round(java, number, with_plain=not asked.quick) for number in range(rounds)]
    starts = [row.stack for row in rows]
    ups = [start.up_s for start in starts]
    report.figures = [judged(ups), *phases(starts), beside("the broker alone", ups, [row.broker_s for row in rows])]
    if not asked.quick:
        plain = [row.plain_broker_s for row in rows]
        report.figures.append(beside("the broker alone, without the archive of its classes", ups, plain))
    report.figures += [
        beside("PostgreSQL alone", ups, [row.postgres_s for row in rows]),
        median("bin/seawall down", [start.down_s for start in starts]),
    ]
    cpu_s = {name: float(np.median([start.cpu_s.get(name, 0.0) for start in starts])) for name in starts[0].cpu_s}
    report.notes = [
        (
            f"{rounds} rounds, medians with their 95 % interval; every other round goes the opposite way. Phases that "
            "do not wait for each other overlap."
        ),
        (
            f"Processor time of the services until the stack was up: {sum(cpu_s.values()):.1f} s ("
            + ", ".join(f"{name} {value:.1f}" for name, value in cpu_s.items())
            + "); that of command line, supervisor, initdb and migration comes on top."
        ),
        f"Java {java.version} from {java.source}.",
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

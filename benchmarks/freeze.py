"""Does a service that freezes for 500 ms every 5 s show in p99 as it must?

A request that is due in a freeze waits for its end. With a constant service time the p99 follows from arithmetic, and
without its element of chance from the schedule of this very run laid over the freezes that the server logged. After a
freeze the server writes the held answers one after the other; neither knows of that time, so it is allowed for. A
closed loop beside it asks the same server nothing while it is frozen, and so hides the freeze.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.known_server import Service
from benchmarks.known_trial import ASKED, FloatArray, KnownTrial, error_in_words, run_trial, within
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.audit.ledger import Int64s

SHARE = 0.99
SERVICE = Service(median_ms=5.0, freeze_ms=500.0, freeze_every_s=5.0)
QUICK_SERVICE = Service(median_ms=5.0, freeze_ms=500.0, freeze_every_s=2.5)
USERS, QUICK_USERS = 2_000, 200
RATE_PER_S = 0.25
"""Of each user: low, so that few answers are held by a freeze, which then go out quickly."""

ROUNDS, QUICK_ROUNDS = 8, 1
"""Whole rounds from freeze to freeze, so that each moment of a round is asked as often."""

CLOSED_USERS = 10
CLOSED_REQUESTS, QUICK_CLOSED_REQUESTS = 20_000, 2_000


def p99_by_arithmetic(service: Service) -> float:
    """Return the p99 of the response time, ms, where requests are due evenly over whole rounds.

    A request that comes *a* ms before the thaw, *a* within the freeze, takes *a* and the service time; one that comes
    up to a service time before the freeze would be answered in it, and takes *a*. So the response time exceeds *x*
    (above the service time) for freeze + 2 * service - x of each round's milliseconds.
    """
    longest_ms = service.freeze_ms + 2 * service.median_ms
    return longest_ms - (1 - SHARE) * 1_000 * service.freeze_every_s


def standard_error_ms(service: Service, requests: int) -> float:
    """Return by how much chance moves that p99: which requests fall into a round's slowest part is drawn."""
    slow_ms = (1 - SHARE) * 1_000 * service.freeze_every_s
    return slow_ms / math.sqrt((1 - SHARE) * requests)


def held_for_ms(trial: KnownTrial, service: Service) -> float:
    """Return how long the server took to write the answers that a freeze had held, the median of all freezes."""
    server = trial.server
    after_ns = [
        int(server.answered_ns[server.read_ns < thaw_ns].max()) - thaw_ns
        for _, thaw_ns in server.freezes_ns(service)
        if (server.read_ns < thaw_ns).any() and (server.answered_ns > thaw_ns).any()
    ]
    return max(0.0, float(np.median(after_ns)) / 1e6) if after_ns else 0.0


def replayed_ms(intended_ns: Int64s, freezes_ns: Int64s, service_ns: int) -> FloatArray:
    """Return how long each request must take that was due at *intended_ns*.

    *freezes_ns* has shape ``(freezes, 2)``: what would begin or end in a freeze does so at its end.
    """

    def thawed(times_ns: Int64s) -> Int64s:
        moved = times_ns.copy()
        for start, end in freezes_ns:
            moved[(times_ns >= start) & (times_ns < end)] = end
        return moved

    times: FloatArray = (thawed(thawed(intended_ns) + service_ns) - intended_ns) / 1e6
    return times


def held_against(name: str, measured: float, truth: float, **allowances_ms: float) -> Figure:
    """Hold the measured p99 against one that it must have, give or take what is allowed for in words."""
    more = "".join(f", {milliseconds:.1f} ms of {what}" for what, milliseconds in allowances_ms.items())
    return Figure(
        name=name,
        measured=measured,
        beside=truth,
        unit="ms",
        error=error_in_words(measured, truth),
        asked=ASKED + more,
        reached=within(measured, truth, sum(allowances_ms.values())),
    )


def figures_of(trial: KnownTrial, closed: KnownTrial, service: Service) -> list[Figure]:
    """Return the open loop's p99 against log and arithmetic, and the closed loop's beside it."""
    measured = float(np.quantile(trial.response_ms, SHARE))
    logged = float(np.quantile(trial.server.service_ms, SHARE))
    service_ns = int(np.median(trial.server.answered_ns - trial.server.read_ns))
    replayed = replayed_ms(trial.ledger.intended_ns, trial.server.freezes_ns(service), service_ns)
    writing, chance = held_for_ms(trial, service), 2 * standard_error_ms(service, len(trial.ledger.status))
    hidden = Figure(
        name="p99 by a closed loop",
        measured=float(np.quantile(closed.response_ms, SHARE)),
        beside=p99_by_arithmetic(service),
        unit="ms",
        error=f"{int((closed.response_ms > service.freeze_ms / 2).sum())} of {len(closed.ledger.status):,} are slow",
    )
    return [
        held_against("p99, by the server's log", measured, logged),
        held_against("p99, schedule over its freezes", measured, float(np.quantile(replayed, SHARE)), writing=writing),
        held_against("p99, by arithmetic", measured, p99_by_arithmetic(service), writing=writing, chance=chance),
        hidden,
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure open and closed, and return 0 if the open loop shows what it must."""
    parser = argument_parser("freeze", __doc__)
    parser.add_argument("--users", type=int, help=f"concurrent users (default {USERS:,})")
    asked = parser.parse_args(arguments)
    users = asked.users or (QUICK_USERS if asked.quick else USERS)
    service = QUICK_SERVICE if asked.quick else SERVICE
    seconds = service.freeze_every_s * (QUICK_ROUNDS if asked.quick else ROUNDS)
    report = BenchmarkReport(
        benchmark="freeze",
        question=f"does a freeze of {service.freeze_ms:g} ms every {service.freeze_every_s:g} s show as it must?",
        quick=asked.quick,
        beside_name="must be",
    )
    opened = run_trial(service, asked.seed, users=users, rate_per_s=RATE_PER_S, duration_s=seconds, arrival="uniform")
    requests = QUICK_CLOSED_REQUESTS if asked.quick else CLOSED_REQUESTS
    closed = run_trial(service, asked.seed, users=CLOSED_USERS, count=requests)
    report.figures = figures_of(opened, closed, service)
    report.notes = [
        (
            f"Open loop: {len(opened.ledger.status):,} requests of {users:,} users, "
            f"{len(opened.server.freezes_ns(service))} freezes; {opened.where_it_comes_from()}."
        ),
        (
            f"The closed loop's {CLOSED_USERS} users wait while the server is frozen, so each freeze meets "
            f"{CLOSED_USERS} requests, however many were due in it."
        ),
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Does the generator measure p50, p95 and p99 as the server itself saw them, within 1 % or 0.3 ms?

2,000 users keep an open-loop schedule against a server whose service times are drawn from a lognormal distribution.
The server logs what each request really took, from its last byte read to its answer written. What the generator says
more is its own lateness and the way there and back.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.known_server import Service
from benchmarks.known_trial import ASKED, KnownTrial, error_in_words, run_trial, within
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.stats.distributions import normal_quantile

SERVICE = Service(median_ms=20.0, sigma=0.5)
SHARES = (0.5, 0.95, 0.99)
USERS, QUICK_USERS = 2_000, 200
SECONDS, QUICK_SECONDS = 20.0, 2.0


def figures_of(name: str, trial: KnownTrial) -> list[Figure]:
    """Hold each quantile against the one that the server logged."""
    found = []
    for share in SHARES:
        measured, truth = (float(np.quantile(times, share)) for times in (trial.unhindered_ms, trial.server.service_ms))
        found.append(
            Figure(
                name=f"{name}: p{100 * share:g}",
                measured=measured,
                beside=truth,
                unit="ms",
                error=error_in_words(measured, truth),
                asked=ASKED,
                reached=within(measured, truth),
            )
        )
    return found


def remarks_on(name: str, trial: KnownTrial) -> list[str]:
    """Say where the error comes from, and what users made of their own requests."""
    found = [f"{name}: {len(trial.ledger.status):,} requests; {trial.where_it_comes_from()}."]
    waited = trial.response_ms > trial.unhindered_ms + 1e-6
    if waited.any():
        p99 = float(np.quantile(trial.response_ms, 0.99))
        found.append(
            f"{name}: {int(waited.sum()):,} requests were due while their user still waited for an answer; the server "
            f"could not see that, so it is not in these figures. With it the response time's p99 is {p99:.1f} ms."
        )
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure with both kinds of arrivals, and return 0 if every quantile is as near as asked."""
    parser = argument_parser("latency", __doc__)
    parser.add_argument("--users", type=int, help=f"concurrent users (default {USERS:,})")
    parser.add_argument("--rate", type=float, default=0.75, help="requests a second of each user (default 0.75)")
    parser.add_argument("--seconds", type=float, help=f"of each of the two trials (default {SECONDS:g})")
    asked = parser.parse_args(arguments)
    users = asked.users or (QUICK_USERS if asked.quick else USERS)
    seconds = asked.seconds or (QUICK_SECONDS if asked.quick else SECONDS)
    report = BenchmarkReport(
        benchmark="latency",
        question=f"do {users:,} users at {asked.rate:g} a second measure what the server itself saw?",
        quick=asked.quick,
        beside_name="server's log",
    )
    nominal = ", ".join(
        f"p{100 * share:g} {SERVICE.median_ms * np.exp(SERVICE.sigma * normal_quantile(share)):.2f}" for share in SHARES
    )
    report.notes.append(f"Drawn for the server: lognormal, {nominal} ms; its log holds what its timers made of that.")
    for arrival in ("uniform", "poisson"):
        trial = run_trial(SERVICE, asked.seed, users=users, rate_per_s=asked.rate, duration_s=seconds, arrival=arrival)
        report.figures += figures_of(arrival, trial)
        report.notes += remarks_on(arrival, trial)
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

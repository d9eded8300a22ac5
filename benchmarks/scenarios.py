"""What do the scenarios of `stream` reach: storing beside eight groups, live figures, and a feed for 2,000 subscribers?

Each scenario runs once, as `bin/seawall stream` runs it, on a stack of its own, and what it found is held against the
figures that it is to reach. Where the scenario itself says that a trial does not tell, neither does this.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.experiments.fanout_judgement import KEPT, why
from seawall.experiments.stream_analytics import AnalyticsRun
from seawall.experiments.stream_analytics_options import AnalyticsOptions
from seawall.experiments.stream_fanout import FanoutRun
from seawall.experiments.stream_fanout_options import FanoutOptions
from seawall.experiments.stream_live import LiveRun
from seawall.experiments.stream_live_options import LiveOptions
from seawall.result import Outcome, Result
from seawall.result.fanout import LOG as BY_LOG
from seawall.result.fanout import PLAIN
from seawall.result.live_analytics import LOG as BY_CONSUMER
from seawall.result.live_analytics import QUERIES
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack
from seawall.targets.parse import parse_targets

LATEST_MS = 1_000.0
"""Of an analytic result, at the most, and of a delivery, p95."""
SUBSCRIBERS, RATE_PER_S, GROUPS = 2_000, 1_000.0, 8
RECORDS = 60_000
"""For the groups: so many that their beginning, in which not all are busy yet, is a small part."""
QUICK_SUBSCRIBERS, QUICK_RATE_PER_S, QUICK_RECORDS = 50, 30.0, 1_000
TARGETS = Path(__file__).parent.parent / "targets.toml"


class Unwatched:
    """Hears how a run goes on, whichever it is, and says nothing."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_: None


def fanout_figures(result: Result) -> Iterator[Figure]:
    """Yield what the storing group keeps of its throughput beside the most groups, by each way."""
    plain = [one for one in result.fanout if one.what == PLAIN and one.count > 1]
    for one in plain:
        if one.store_kept is None or one.store_kept_per_cpu_s is None:
            continue
        judged = one.arm == BY_LOG
        row = next((row for row in result.targets if row.metric == "store_kept"), None) if judged else None
        yield Figure(
            name=f"fan-out by the {one.arm} to {one.count} groups: storing keeps of what it has alone",
            measured=100 * one.store_kept,
            unit="%",
            error=why(one) or _why_not(one.reasons),
            asked=f"at least {KEPT:.0%}, or that for the same processor time" if judged else "",
            reached=_reached(row.outcome) if row else None,
        )
        yield Figure(
            name=f"fan-out by the {one.arm} to {one.count} groups: the same for each processor second",
            measured=100 * one.store_kept_per_cpu_s,
            unit="%",
        )
        wrong = sum(not group.right for group in one.groups) + one.lost + one.doubled + one.pending
        yield Figure(
            name=f"fan-out by the {one.arm} to {one.count} groups: wrong, lost, doubled or pending",
            measured=wrong,
            asked="none" if judged else "",
            reached=not wrong if judged else None,
        )


def analytics_figures(result: Result) -> Iterator[Figure]:
    """Yield how far the consumer's results were behind beside the queries', and which windows are not the table's."""
    by = {one.arm: one for one in result.live_analytics}
    log, queries = by.get(BY_CONSUMER), by.get(QUERIES)
    if log is None:
        return
    if log.behind_ms.max is not None:
        yield Figure(
            name="analytics: the consumer's result behind, at the most",
            measured=log.behind_ms.max,
            unit="ms",
            beside=queries.behind_ms.max if queries else None,
            error=_why_not(log.reasons) if log.outcome is Outcome.INVALID else "",
            asked=f"at most {LATEST_MS:g} ms",
            reached=None if log.outcome is Outcome.INVALID else log.behind_ms.max <= LATEST_MS,
        )
    yield Figure(
        name="analytics: published windows that are not the table's",
        measured=log.differing,
        beside=queries.differing if queries else None,
        error=f"of {log.windows:,}",
        asked="none",
        reached=log.windows > 0 and not log.differing,
    )
    if queries is not None and log.database_cpu_s:
        yield Figure(
            name="analytics: processor time of the database",
            measured=log.database_cpu_s,
            unit="s",
            beside=queries.database_cpu_s,
            error=f"{log.database_cpu_s / queries.database_cpu_s:.2f}" if queries.database_cpu_s else "",
        )


def live_figures(result: Result) -> Iterator[Figure]:
    """Yield the p95 of the way to a subscriber, and which deliveries were amiss."""
    for one in result.live:
        told, p95_ms = one.outcome is not Outcome.INVALID, one.arrival_ms.p95
        judged = one.source == "log"
        name = f"live by the {one.source} for {one.subscribers:,} subscribers"
        if p95_ms is not None:
            yield Figure(
                name=f"{name}: due to arrived, p95",
                measured=p95_ms,
                unit="ms",
                error="" if told else _why_not(one.reasons),
                asked=f"below {LATEST_MS:g} ms" if judged else "",
                reached=p95_ms < LATEST_MS if judged and told else None,
            )
        amiss = one.missing + one.doubled + one.disordered + one.strayed
        yield Figure(
            name=f"{name}: deliveries missing, doubled, out of order or strayed",
            measured=amiss,
            error=f"of {one.expected:,}",
            asked="none" if judged else "",
            reached=not amiss and one.expected > 0 if judged else None,
        )


def _reached(outcome: Outcome) -> bool | None:
    return None if outcome in (Outcome.INVALID, Outcome.INCONCLUSIVE) else outcome is Outcome.PASS


def _why_not(reasons: Sequence[str]) -> str:
    return f"not told: {reasons[0]}" if reasons else ""


def _fanout(stack: Stack, directory: Path, *, quick: bool, seed: int) -> Result:
    return FanoutRun(_fanout_options(quick=quick, seed=seed), stack, directory).run(Unwatched(), _ignore)


def _fanout_options(*, quick: bool, seed: int) -> FanoutOptions:
    options = FanoutOptions(records=RECORDS, groups=(1, GROUPS), slow_ms=0.0, stumble=False, rebuild=False, seed=seed)
    return replace(options, records=QUICK_RECORDS, ways=(BY_LOG,)) if quick else options


def _analytics(stack: Stack, directory: Path, *, quick: bool, seed: int) -> Result:
    return AnalyticsRun(_analytics_options(quick=quick, seed=seed), stack, directory).run(Unwatched(), _ignore)


def _analytics_options(*, quick: bool, seed: int) -> AnalyticsOptions:
    options = AnalyticsOptions(seed=seed)
    if not quick:
        return options
    return replace(options, rate_per_s=QUICK_RATE_PER_S, duration_s=6.0, window_s=1.0, lateness_s=0.5)


def _live(stack: Stack, directory: Path, *, quick: bool, seed: int) -> Result:
    targets = parse_targets(TARGETS.read_text(encoding="utf-8"), str(TARGETS))
    return LiveRun(_live_options(quick=quick, seed=seed), targets, stack, directory).run(Unwatched(), _ignore)


def _live_options(*, quick: bool, seed: int) -> LiveOptions:
    options = LiveOptions(sources=("log",), subscribers=SUBSCRIBERS, rate_per_s=RATE_PER_S, seed=seed)
    if not quick:
        return options
    return replace(
        options, subscribers=QUICK_SUBSCRIBERS, rate_per_s=QUICK_RATE_PER_S, duration_s=3.0, warmup_s=1.0, writers=10,
        silent=0,
    )  # fmt: skip


def _ignore(_: Result) -> None:
    """Write nothing: the figures are what is wanted."""


Options = FanoutOptions | AnalyticsOptions | LiveOptions
SCENARIOS: dict[str, tuple[Callable[..., Options], Callable[..., Result], Callable[[Result], Iterator[Figure]]]] = {
    "fanout": (_fanout_options, _fanout, fanout_figures),
    "analytics": (_analytics_options, _analytics, analytics_figures),
    "live": (_live_options, _live, live_figures),
}
"""By name: what is asked of it, how it is run, and what is made of its result."""


def main(arguments: Sequence[str]) -> int:
    """Run the scenarios that are asked for, print the figures, and return 0 if they are reached."""
    parser = argument_parser("scenarios", __doc__)
    parser.add_argument("--only", default="", help=f"some of {', '.join(SCENARIOS)} (default: all)")
    asked = parser.parse_args(arguments)
    wanted = asked.only.split(",") if asked.only else list(SCENARIOS)
    if unknown := [name for name in wanted if name not in SCENARIOS]:
        raise BenchmarkError(f"--only: unknown {', '.join(unknown)}; known are {', '.join(SCENARIOS)}")
    report = BenchmarkReport(
        benchmark="scenarios",
        question="what do fan-out, live figures and the live feed reach?",
        quick=asked.quick,
        beside_name="by queries",
    )
    for name in wanted:
        options, run, figures = SCENARIOS[name]
        with _place(options(quick=asked.quick, seed=asked.seed).stack(), name) as (stack, directory):
            result = run(stack, directory, quick=asked.quick, seed=asked.seed)
        if result.interrupted:
            raise KeyboardInterrupt
        found = list(figures(result))
        report.figures += found
        if not found:
            report.notes.append(f"{name}: nothing was measured. {' '.join(result.reasons)}")
    report.notes += [
        "One run of each: how much runs differ is not known. Groups, feed, servers and load share this machine.",
        (
            "Fan-out: the same orders as fast as the log takes them; where all processors were busy with it, the share"
            " for the same processor time decides."
        ),
        f"Live: {SUBSCRIBERS:,} subscribers, {RATE_PER_S:,.0f} records a second"
        + (f"; in this quick run {QUICK_SUBSCRIBERS} and {QUICK_RATE_PER_S:g}." if asked.quick else "."),
    ]
    return finish(report, as_json=asked.json)


@contextlib.contextmanager
def _place(options: StackOptions, name: str) -> Iterator[tuple[Stack, Path]]:
    """Give a stack of its own and a directory, of which nothing is left."""
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=f"bench-{name}-") as made:
        stack = Stack.up(options, owner="bench scenarios")
        try:
            directory = Path(made)
            for room in ("raw", "logs"):
                (directory / room).mkdir()
            yield stack, directory
        finally:
            stack.down()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

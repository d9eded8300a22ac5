"""What a trial of a feed says: whether the target is held, and whether everything arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from seawall.experiments.validity import LEAST_TOLERATED_MS, MOST_CPU_SHARE, TOLERATED_SHARE
from seawall.result import InstrumentHealth, JudgedTarget, LiveFinding, Outcome, Quantiles, Trial
from seawall.targets.judgement import Measurement, judge
from seawall.targets.limit import limit_of, read_limit
from seawall.targets.metrics import METRICS, Scope
from seawall.targets.target import Target, Targets, TargetSet
from seawall.targets.verdict import verdict_of_run

NAME = "records arrive at subscribers in time"
_METRIC = "visible_p95_ms"
_LIMIT = "< 1 s"
ONE_TRIAL = "One trial a source: how much trials differ is not known."


def target_of(targets: Targets) -> Target:
    """Return what arrivals are held to: as soon as a row has to be visible, a second where no target says otherwise."""
    for one in targets.targets:
        if one.metric.name == _METRIC and one.set is TargetSet.ALWAYS:
            return replace(one, name=NAME)
    metric = METRICS[_METRIC]
    limit = limit_of(metric, read_limit(_LIMIT))
    return Target(set=TargetSet.ALWAYS, name=NAME, metric=metric, scope=Scope.WRITE, limit=limit)


def judged_arrivals(target: Target, arrival_ms: Quantiles, arm: str, invalid_because: Sequence[str]) -> JudgedTarget:
    """Return how the p95 of arrivals keeps to *target*."""
    beyond = float("inf") if arrival_ms.samples else None  # the quantile falls among what never arrived
    measured = Measurement(
        value=beyond if arrival_ms.p95 is None else arrival_ms.p95,
        low=arrival_ms.p95_low,
        high=arrival_ms.p95_high,
        samples=arrival_ms.samples,
        reason_invalid="; ".join(invalid_because) or None,
    )
    row = judge(target, measured).as_json()
    fields = {**row, "metric": "arrival_p95_ms", "outcome": Outcome(row["outcome"])}
    return JudgedTarget(**fields, arm=arm, trials=1)


def lateness_of_subscribers(health: InstrumentHealth, limit_ms: float) -> Iterator[str]:
    """Say where the subscribers' process was later than is tolerated: arrivals hold that."""
    tolerated_ms = max(LEAST_TOLERATED_MS, TOLERATED_SHARE * limit_ms)
    if health.loop_lag_p99_ms > tolerated_ms:
        yield (
            f"the subscribers' event loop was late: p99 {health.loop_lag_p99_ms:.1f} ms, tolerated"
            f" {tolerated_ms:.1f} ms"
        )
    if health.cpu_share > MOST_CPU_SHARE:
        yield f"the subscribers' process was busy for {health.cpu_share:.0%} of the time: have fewer of them"


def judged(finding: LiveFinding, trial: Trial, invalid_because: Sequence[str]) -> tuple[Outcome, list[str]]:
    """Return the outcome of one trial, and why.

    FAIL where anything acknowledged is lost, or a delivery is missing, doubled, out of order or strayed; and, of the
    log's feed, where the target is missed. That subscribers who poll miss it is no FAIL, but the answer.
    """
    wrong = [f"{count:,} deliveries {what}" for what, count in (
        ("missing", finding.missing), ("doubled", finding.doubled), ("out of order", finding.disordered),
        ("of other feeds", finding.strayed),
    ) if count]  # fmt: skip
    if wrong or trial.outcome is Outcome.FAIL:
        of_trial = trial.reasons if trial.outcome is Outcome.FAIL else []
        examples = [f"such as {finding.examples[0]}"] if finding.examples else []
        return Outcome.FAIL, [*of_trial, *wrong, *examples]
    if invalid_because:
        return Outcome.INVALID, list(invalid_because)
    if trial.outcome is Outcome.INCONCLUSIVE:
        return Outcome.INCONCLUSIVE, list(trial.reasons)
    assert finding.target is not None
    if finding.source == "log" and finding.target.outcome is not Outcome.PASS:
        return finding.target.outcome, [f"{finding.target.name}: {finding.target.reason}"]
    # who asks the database is not sent anything more while it does not read: nothing waits, and nobody is let go
    if finding.source == "log" and finding.dropped < finding.silent:
        let_go = f"the feed let go of {finding.dropped} of {finding.silent} subscribers that never read"
        return Outcome.INCONCLUSIVE, [f"{let_go}: too little was sent to fill their buffers, try a longer --duration"]
    return Outcome.PASS, []


def answer_words(finding: LiveFinding) -> str:
    """Return in words what the feed did; empty where the trial does not tell."""
    if finding.outcome is Outcome.INVALID or finding.target is None:
        return ""
    held = {Outcome.PASS: "in time", Outcome.FAIL: "late"}.get(finding.target.outcome, "not told whether in time")
    p95 = "beyond what was seen" if finding.arrival_ms.p95 is None else f"p95 {finding.arrival_ms.p95:,.0f} ms"
    whole = "all" if finding.flawless else "not all"
    return f"{held}: {p95} from due to arrival; {whole} {finding.expected:,} deliveries, each once"


def outcome_of(findings: Sequence[LiveFinding], *, whole: bool) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed."""
    return verdict_of_run((finding.outcome for finding in findings), whole=whole)


def reasons_of(findings: Sequence[LiveFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{finding.arm}: {reason}" for finding in findings for reason in finding.reasons]
    return [*found, ONE_TRIAL] if findings else found

"""`junit.xml`: one test case a target and path, as build servers show them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from seawall.report.burst_words import in_words
from seawall.report.live_words import in_words as live_in_words
from seawall.report.soak_rows import slope_row
from seawall.result import (
    BurstFinding,
    ElasticityFinding,
    ElasticityStep,
    FaultFinding,
    JudgedTarget,
    LiveFinding,
    Outcome,
    Result,
    SlopeFinding,
)
from seawall.result.csv_import import CsvFinding
from seawall.result.reviews import ReviewsFinding
from seawall.result.spark import SparkFinding
from seawall.targets.verdict import verdict

TRIALS = "every record is accounted for"
WHOLE = "all of it came out as it should"


def write_junit(result: Result, path: Path) -> None:
    """Write the file; it appears only when it is whole.

    FAIL is a failure and INVALID an error: the instrument and not the service fell short. INCONCLUSIVE is told as
    skipped, since neither holds.
    """
    document = JUnitXml("seawall")
    for arm in result.arms:
        suite = TestSuite(f"{result.experiment} {arm.name}")
        suite.timestamp = result.started_at
        suite.add_property("durability", arm.durability)
        for row in result.targets:
            if row.arm == arm.name and not _is_an_answer(result, row):
                suite.add_testcase(_of_target(row, f"seawall.{result.experiment}.{arm.name}"))
        for slope in result.slopes:
            if slope.outcome is not None:
                suite.add_testcase(_of_slope(slope, f"seawall.{result.experiment}.{arm.name}"))
        for finding in result.faults:
            suite.add_testcase(_of_fault(finding, f"seawall.{result.experiment}.{arm.name}"))
        for scaled in result.elasticity:
            group = f"seawall.{result.experiment}.{arm.name}"
            suite.add_testcases([_of_step(step, group) for step in scaled.steps if step.asked])
            suite.add_testcase(_of_scaling(scaled, group))
        suite.add_testcases(list(_of_scenario(result, arm.name, f"seawall.{result.experiment}.{arm.name}")))
        suite.add_testcase(_of_run(result, arm.name))
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]  # the library has no types for it
    partial = path.with_suffix(".partial")
    document.write(str(partial), pretty=True)
    partial.replace(path)


def _is_an_answer(result: Result, row: JudgedTarget) -> bool:
    """Tell whether *row* is no failure: that a feed which asks the database is late is what one wants to know."""
    return row.outcome is Outcome.FAIL and any(fed.arm == row.arm and fed.source != "log" for fed in result.live)


def _case(group: str, name: str, said: str, outcome: Outcome, reason: str) -> TestCase:
    case = TestCase(name, classname=group)
    case.system_out = said
    _mark(case, outcome, reason)
    return case


def _of_target(row: JudgedTarget, group: str) -> TestCase:
    return _case(group, f"{row.name} ({row.metric} {row.limit})", row.reason, row.outcome, row.reason)


def _of_fault(finding: FaultFinding, group: str) -> TestCase:
    name = f"{finding.name}, seed {finding.seed}: {finding.does}"
    return _case(group, name, finding.bit, finding.outcome, "; ".join(finding.reasons))


def _of_step(step: ElasticityStep, group: str) -> TestCase:
    name = f"{step.before} to {step.after} at {step.at_s:.0f} s"
    return _case(group, name, step.why, step.outcome, step.reason)


def _of_scaling(finding: ElasticityFinding, group: str) -> TestCase:
    name = f"{finding.what} come and go, and no request fails"
    return _case(group, name, finding.by, finding.outcome, "; ".join(finding.reasons))


def _of_scenario(result: Result, arm: str, group: str) -> Iterator[TestCase]:
    yield from (_of_burst(burst, group) for burst in result.bursts if burst.arm == arm)
    yield from (_of_feed(fed, group) for fed in result.live if fed.arm == arm)


def _of_burst(finding: BurstFinding, group: str) -> TestCase:
    name = f"a burst of {finding.burst_per_s:g} a second after {finding.base_per_s:g}"
    return _case(group, name, in_words(finding), finding.outcome, "; ".join(finding.reasons))


def _of_feed(finding: LiveFinding, group: str) -> TestCase:
    name = f"{finding.expected:,} deliveries by the {finding.source}'s feed, each once and in order"
    return _case(group, name, live_in_words(finding), finding.outcome, "; ".join(finding.reasons))


def _of_slope(slope: SlopeFinding, group: str) -> TestCase:
    row = slope_row(slope)
    said = f"{row.per_hour} an hour ({row.interval}), at most {row.limit}"
    assert slope.outcome is not None
    return _case(group, f"{row.metric} of {row.service} does not creep up", said, slope.outcome, slope.reason)


def _of_run(result: Result, arm: str) -> TestCase:
    """Tell what became of an arm as a whole; of one without trials by its own findings."""
    every: list[CsvFinding | ReviewsFinding | SparkFinding] = [*result.csv, *result.reviews, *result.spark]
    findings = [one for one in every if one.arm == arm]
    if not findings:
        return _of_audit(result, arm)
    reasons = "; ".join(reason for one in findings for reason in one.reasons)
    return _case(f"seawall.{result.experiment}.{arm}", WHOLE, "", verdict(one.outcome for one in findings), reasons)


def _of_audit(result: Result, arm: str) -> TestCase:
    case = TestCase(TRIALS, classname=f"seawall.{result.experiment}.{arm}")
    trials = [trial for trial in result.trials if trial.arm == arm]
    failed = [trial for trial in trials if trial.outcome is Outcome.FAIL]
    case.time = sum(trial.duration_s or 0.0 for trial in trials)
    if failed:
        _mark(case, Outcome.FAIL, "; ".join(f"{trial.name}: {', '.join(trial.reasons)}" for trial in failed))
    elif trials and not any(trial.audited for trial in trials):
        _mark(case, Outcome.INCONCLUSIVE, f"the audit {result.audit}")
    elif not trials:
        _mark(case, Outcome.INVALID, "no trial was run")
    return case


def _mark(case: TestCase, outcome: Outcome, reason: str) -> None:
    if outcome is Outcome.FAIL:
        case.result = [Failure(reason, "FAIL")]
    elif outcome is Outcome.INVALID:
        case.result = [Error(reason, "INVALID")]
    elif outcome is Outcome.INCONCLUSIVE:
        case.result = [Skipped(reason)]

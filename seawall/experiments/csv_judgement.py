"""What an import is held against: every row where it belongs, the speed that is claimed, and little memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from seawall.experiments.scenario_target import outcome_if, scenario_target
from seawall.result import JudgedTarget, Outcome
from seawall.result.csv_import import DIRECT, KAFKA, CsvFinding
from seawall.targets.verdict import verdict_of_run

LEAST_PER_S = 50_000.0
"""Rows a second through the log, until they are visible."""
LEAST_OF_LOADER = 0.5
"""Directly, of what the database's own loader takes."""
MOST_BYTES = 200_000_000
"""In each process of an import."""
LEAST_ROWS = 100_000
"""Of fewer a speed says little: starting and ending take a part of the time."""
ONE_IMPORT = "One import a way: how much imports differ is not known."
_row = partial(scenario_target, scope="csv")
_WRONG = ("lost", "unreported", "corrupted", "phantom", "doubled", "wrongly_rejected", "buried")


def judged(finding: CsvFinding, *, drained: bool, examples: Sequence[str]) -> tuple[Outcome, list[str]]:
    """Return how one import came out, and why: FAIL where anything is not where it belongs."""
    reasons = [f"{getattr(finding, name):,} {name.replace('_', ' ')}" for name in _WRONG if getattr(finding, name)]
    if reasons and examples:
        reasons.append(f"first at {', '.join(examples)}")
    if not drained:
        reasons.append("the log was not drained in time: --drain-timeout makes it longer")
    if (finding.in_table, finding.in_rejects) != (finding.good, finding.bad):
        reasons.append(
            f"the importer counted {finding.good:,} good and {finding.bad:,} bad, and there are"
            f" {finding.in_table:,} in the table and {finding.in_rejects:,} in the reject file"
        )
    return (Outcome.FAIL if reasons else Outcome.PASS), reasons


def targets_of(findings: Sequence[CsvFinding]) -> Iterator[JudgedTarget]:
    """Yield what is claimed of each import, as far as it tells: one that went on or repeated has no speed."""
    for one in findings:
        wrong = sum(getattr(one, name) for name in _WRONG)
        yield _row(
            "every row is where it belongs",
            "rows_wrong",
            "== 0",
            one.arm,
            wrong,
            outcome_if(one.outcome is Outcome.PASS),
        )
        if one.arm == KAFKA and one.rows_per_s is not None:
            yield _speed("rows a second until visible", "csv_rows_per_s", LEAST_PER_S, one, one.rows_per_s)
        if one.arm == DIRECT and one.share_of_loader is not None:
            yield _speed(
                "share of the database's own loader", "csv_share_of_loader", LEAST_OF_LOADER, one, one.share_of_loader
            )
        if one.memory_bytes:
            most = max(one.memory_bytes.values())
            limit, within = f"< {MOST_BYTES:,}", outcome_if(most < MOST_BYTES)
            yield _row("memory of each process", "csv_memory_bytes", limit, one.arm, most, within)


def _speed(name: str, metric: str, least: float, one: CsvFinding, measured: float) -> JudgedTarget:
    limit = f">= {least:,.10g}"
    if one.good < LEAST_ROWS:
        reason = f"{one.good:,} rows are fewer than the {LEAST_ROWS:,} that tell a speed"
        return _row(name, metric, limit, one.arm, measured, Outcome.INCONCLUSIVE, reason)
    return _row(name, metric, limit, one.arm, measured, outcome_if(measured >= least))


def outcome_of(findings: Sequence[CsvFinding], *, whole: bool) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed."""
    return verdict_of_run(
        [one.outcome for one in findings] + [row.outcome for row in targets_of(findings)], whole=whole
    )


def reasons_of(findings: Sequence[CsvFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{one.arm}: {reason}" for one in findings for reason in one.reasons]
    found += [
        f"{one.arm}: an earlier import had stopped before line {one.resumed_line:,}, and this one went on from there"
        for one in findings
        if one.resumed_line
    ]
    return [*found, ONE_IMPORT] if findings else found

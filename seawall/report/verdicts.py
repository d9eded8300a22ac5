"""The verdict of each arm in a line, with what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape

from seawall.result import Outcome, Result

COLORS = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow", Outcome.INVALID: "yellow"}


def verdict_lines(result: Result) -> Iterator[str]:
    """Yield a line an arm, and one for each of its targets that did not pass."""
    for arm, outcome in result.verdicts.items():
        rows = [row for row in result.targets if row.arm == arm]
        yield (
            f"[bold]{arm}[/] ({result.arm(arm).durability}): [{COLORS[outcome]}]{outcome.value}[/]"
            f" against {len(rows)} target{'s' * (len(rows) != 1)}, over {max(row.trials for row in rows)} valid trials"
        )
        yield from _reader_lines(result, arm)
        for row in rows:
            if row.outcome is not Outcome.PASS:
                color = COLORS[row.outcome]
                yield f"  [{color}]{row.outcome.value}[/] {escape(row.name)}: {escape(row.reason)}"


def _reader_lines(result: Result, arm: str) -> Iterator[str]:
    """Say what an independent reader saw of the arm's records, beside what was claimed of them."""
    trials = [trial for trial in result.trials if trial.arm == arm and trial.reader and not trial.invalid_because]
    seen = [trial.reader for trial in trials if trial.reader and trial.reader.visible_ms.p95 is not None]
    if not seen:
        return
    records = sum(one.visible_ms.samples for one in seen)
    low, high = (pick(one.visible_ms.p95 or 0.0 for one in seen) for pick in (min, max))
    resolution = max(one.resolution_p50_ms or 0.0 for one in seen)
    against = sum(trial.audit.contradicted for trial in trials)
    yield (
        f"  a reader of its own saw {records:,} records appear: visible p95 {low:,.1f} to {high:,.1f} ms,"
        f" resolution {resolution:,.0f} ms, {against or 'no'} contradiction{'s' * (against != 1)}"
    )

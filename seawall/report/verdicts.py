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
        for row in rows:
            if row.outcome is not Outcome.PASS:
                color = COLORS[row.outcome]
                yield f"  [{color}]{row.outcome.value}[/] {escape(row.name)}: {escape(row.reason)}"

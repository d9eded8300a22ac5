"""What each level of a knob did, in sentences, and all knobs that there are in a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table

from seawall.report.effect_tables import metric_name
from seawall.report.figures import figure
from seawall.report.table_styles import styled_table
from seawall.result import ArmComparison, Result
from seawall.tuning.catalogue import full_name
from seawall.tuning.knob import Knob, as_text

NOTHING_SHOWN, TOO_FEW = "no effect shown", "too few trials"
_NEXT_TO_NOTHING = 1e-3


def effects(result: Result) -> Iterator[str]:
    """Yield a sentence for each level but the base: what changed beyond doubt, or that nothing did."""
    for arm in result.arms[1:]:
        rows = [row for row in result.comparisons if row.arm == arm.name and row.kind == "load"]
        changed = [_change(row) for row in rows if row.significant]
        told = [row for row in rows if row.ratio is not None and row.says != TOO_FEW]
        if changed:
            yield f"{arm.name}: {', '.join(changed)}"
        elif not told:
            yield f"{arm.name}: too few valid trials to tell"
        else:
            yield f"{arm.name}: {NOTHING_SHOWN}"


def knob_table(knobs: Iterable[Knob], style: str) -> Table:
    """Return all knobs, with their values and what they mean."""
    table = styled_table("Kafka's knobs", style)
    for name in ("knob", "of the", "default", "Java", "shipped", "levels", "means"):
        table.add_column(name)
    for knob in knobs:
        levels = ", ".join(map(as_text, knob.levels))
        java = "" if knob.java is None else as_text(knob.java)
        means = f"{knob.means} {knob.unsafe}".strip()
        table.add_row(full_name(knob), knob.place, as_text(knob.default), java, as_text(knob.shipped), levels, means)
    return table


def _change(row: ArmComparison) -> str:
    # where next to nothing is left, how many times as much that is says nothing
    times = f" ({figure(row.ratio)} times)" if row.ratio and row.ratio > _NEXT_TO_NOTHING else ""
    return f"{metric_name(row.metric)} {row.says}{times}"

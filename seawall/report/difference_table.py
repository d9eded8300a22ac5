"""What changed from one run to another, on the console."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from seawall.result import ArmComparison

_SAYS = {"larger": "more", "smaller": "less", "equivalent": "the same within 5 %"}


def difference_table(rows: Sequence[ArmComparison], base: str) -> Table:
    """Return a line a cell, arm and metric: how many times larger a figure became since the run *base*."""
    table = Table(
        title=escape(f"Against {base}: how many times larger each figure became"), title_justify="left", box=box.ROUNDED
    )
    for name in ("path", "cell", "figure"):
        table.add_column(name)
    for name in ("ratio", "95 % interval", "trials"):
        table.add_column(name, justify="right")
    table.add_column("says")
    for row in rows:
        cell = f"{row.count:,} {row.entity}" if row.count else f"load, {row.entity}"
        interval = f"{row.ci_low:.3g} to {row.ci_high:.3g}" if row.ci_low is not None else "-"
        ratio = "-" if row.ratio is None else f"{row.ratio:.3g}"
        says = _SAYS.get(row.says, row.says)
        table.add_row(row.arm, cell, row.metric, ratio, interval, str(row.trials), says)
    return table

"""The three tables of a comparison, on the console."""

from __future__ import annotations

from rich import box
from rich.table import Table

from seawall.result import ArmComparison, Outcome, Result, Trial

TABLE_STYLES: dict[str, box.Box | None] = {
    "rounded": box.ROUNDED,
    "simple": box.SIMPLE_HEAD,
    "grid": box.SQUARE,
    "double": box.DOUBLE_EDGE,
    "markdown": box.MARKDOWN,
    "ascii": box.ASCII2,
    "none": None,
}
NOTHING = "-"
_CLASSES = ("lost", "pending", "duplicates", "corrupted", "phantom", "dead_lettered", "unknown")
_COLORS = {Outcome.FAIL: "red", Outcome.INVALID: "yellow", Outcome.INCONCLUSIVE: "yellow", Outcome.PASS: "green"}


def kafka_status(path: str) -> str:
    """Return ``ON`` for records that go through Kafka, ``OFF`` for those that do not."""
    return "ON" if path == "kafka" else "OFF"


def comparison_tables(result: Result, style: str) -> list[Table]:
    """Return the tables that *result* has something for."""
    tables = []
    if any(trial.kind == "data" for trial in result.trials):
        tables.append(_trials_table(result, style))
        tables += _improvement_table(result, style)
    if any(trial.kind == "load" for trial in result.trials):
        tables.append(_load_table(result, style))
    return tables


def _trials_table(result: Result, style: str) -> Table:
    table = _table("Same data: every trial, timed from the first sending until the last row is visible", style)
    for name in ("entity", "count", "Kafka", "path"):
        table.add_column(name, justify="right" if name == "count" else "left", no_wrap=True)
    for name in ("success", "failed", "duration s", "TPS"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("audit", no_wrap=True)
    table.add_column("durability")
    last = None
    data = [trial for trial in result.trials if trial.kind == "data"]
    for trial in sorted(data, key=lambda trial: (trial.entity, trial.count or 0)):
        path = result.arm(trial.arm).path
        if last not in (None, (trial.entity, trial.count)):
            table.add_section()
        last = (trial.entity, trial.count)
        table.add_row(
            trial.entity,
            f"{trial.count:,}",
            kafka_status(path),
            path,
            f"{trial.audit.stored:,}",
            f"{max(0, (trial.count or 0) - trial.audit.stored):,}",
            number(trial.duration_s, 3),
            number(trial.achieved_per_s, 0),
            audit_words(trial),
            result.arm(trial.arm).durability,
        )
    return table


def _improvement_table(result: Result, style: str) -> list[Table]:
    """Return the table of `kafka` against each path without it; none where one side is missing."""
    rows = {(row.entity, row.count, row.base, row.metric): row for row in result.comparisons if row.kind == "data"}
    bases = [arm.name for arm in result.arms if arm.path != "kafka"]
    rows = {key: row for key, row in rows.items() if row.arm == "kafka"}
    if not rows:
        return []
    table = _table(
        "With Kafka against without: + means better with Kafka, - means worse"
        " (Hodges-Lehmann over trials, with 95 % interval)",
        style,
    )
    for name in ("entity", "count"):
        table.add_column(name, justify="right" if name == "count" else "left", no_wrap=True)
    for base in bases:
        for figure in ("duration", "TPS"):
            table.add_column(f"{figure}\nagainst {base}", justify="right")
    table.add_column("durability compared")
    for entity, count in dict.fromkeys((row.entity, row.count) for row in rows.values()):
        cells = []
        for base in bases:
            cells.append(_improvement(rows.get((entity, count, base, "duration_s")), less_is_better=True))
            cells.append(_improvement(rows.get((entity, count, base, "achieved_per_s")), less_is_better=False))
        durability = " / ".join(dict.fromkeys(arm.durability for arm in result.arms))
        table.add_row(entity, f"{count:,}", *cells, durability)
    return [table]


def _improvement(row: ArmComparison | None, *, less_is_better: bool) -> str:
    """Return a ratio as what Kafka gains, in per cent."""
    if row is None or row.ratio is None:
        return NOTHING
    sign = -1 if less_is_better else 1
    gain = sign * (row.ratio - 1)
    if row.ci_low is None or row.ci_high is None:
        return f"{gain * 100:+,.0f} % (no interval: {row.trials} trials)"
    low, high = sorted(sign * (end - 1) for end in (row.ci_low, row.ci_high))
    interval = f"{gain * 100:+,.0f} % \\[{low * 100:+,.0f}, {high * 100:+,.0f}]"
    if not row.significant:
        return f"no difference shown\n{interval}"
    if row.says == "equivalent":
        return f"equivalent within 5 %\n{interval}"
    color = "green" if gain > 0 else "red"
    return f"[{color}]{interval}[/]"


def _load_table(result: Result, style: str) -> Table:
    judged = next(trial for trial in result.trials if trial.kind == "load")
    table = _table(
        f"Same load: {judged.users:,} users, {judged.entity}, response from the intended start; each row a trial", style
    )
    table.add_column("path", no_wrap=True)
    for name in (
        "offered\n/s", "achieved\n/s", "mean\nms", "p50\nms", "p95\nms", "p99\nms", "visible\np95 ms",
        "4xx", "5xx", "failed", "drain\ns", "CPU s /\n1,000 rows",
    ):  # fmt: skip
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("audit")
    table.add_column("durability")
    last = None
    for trial in sorted(
        (trial for trial in result.trials if trial.kind == "load"),
        key=lambda trial: [arm.name for arm in result.arms].index(trial.arm),
    ):
        if last not in (None, trial.arm):
            table.add_section()
        last = trial.arm
        response = trial.response_ms
        table.add_row(
            result.arm(trial.arm).path,
            number(trial.offered_per_s, 0),
            number(trial.achieved_per_s, 0),
            *(number(value, 1) for value in (response.mean, response.p50, response.p95, response.p99)),
            number(trial.visible_ms.p95, 1),
            f"{trial.status_4xx:,}",
            f"{trial.status_5xx:,}",
            f"{trial.failed:,}",
            number(trial.drain_s, 3),
            number(trial.cpu_s_per_1000_rows, 3),
            audit_words(trial),
            result.arm(trial.arm).durability,
        )
    return table


def audit_words(trial: Trial) -> str:
    """Return what became of the trial's records, with every class that is not empty."""
    counts = trial.audit
    whole = counts.stored == counts.attempted
    words = [f"all {counts.stored:,} stored" if whole else f"{counts.stored:,} of {counts.attempted:,} stored"]
    words += [f"{getattr(counts, name):,} {name.replace('_', '-')}" for name in _CLASSES if getattr(counts, name)]
    if trial.outcome is Outcome.INVALID:
        words.append("INVALID")
    return f"[{_COLORS[trial.outcome]}]{', '.join(words)}[/]"


def number(value: float | None, digits: int) -> str:
    """Return *value* with so many decimals, or a dash where there is none."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def _table(title: str, style: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=TABLE_STYLES[style], header_style="bold")

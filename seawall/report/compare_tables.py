"""The three tables of a comparison, on the console."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from rich import box
from rich.table import Table

from seawall.result import Outcome, Result, Trial

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
    """Return the table of medians against each path without Kafka; none where one side is missing."""
    bases = [arm.name for arm in result.arms if arm.path != "kafka"]
    table = _table(
        "With Kafka against without: + means better with Kafka, - means worse (medians of the trials)", style
    )
    for name in ("entity", "count"):
        table.add_column(name, justify="right" if name == "count" else "left", no_wrap=True)
    for base in bases:
        for figure in ("duration", "TPS"):
            table.add_column(f"{figure} against {base}", justify="right")
    table.add_column("durability compared")
    cells = sorted({(trial.entity, trial.count or 0) for trial in result.trials if trial.kind == "data"})
    filled = False
    for entity, count in cells:
        medians = {arm.name: _medians(result.trials, arm.name, entity, count) for arm in result.arms}
        kafka = medians.get("kafka")
        row = []
        for base in bases:
            without = medians[base]
            if kafka is None or without is None:
                row += [NOTHING, NOTHING]
            else:
                row += [_percent(1 - kafka[0] / without[0]), _percent(kafka[1] / without[1] - 1)]
                filled = True
        durability = " / ".join(dict.fromkeys(arm.durability for arm in result.arms))
        table.add_row(entity, f"{count:,}", *row, durability)
    return [table] if filled else []


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
            number(cpu_per_thousand(trial), 3),
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


def cpu_per_thousand(trial: Trial) -> float | None:
    """Return the CPU seconds of all servers (not of the load) for 1,000 stored rows; None where nobody measured."""
    servers = [seconds for name, seconds in trial.cpu_s.items() if name != "load"]
    if not servers or not trial.audit.stored:
        return None
    return sum(servers) / trial.audit.stored * 1_000


def number(value: float | None, digits: int) -> str:
    """Return *value* with so many decimals, or a dash where there is none."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def _medians(trials: Iterable[Trial], arm: str, entity: str, count: int) -> tuple[float, float] | None:
    """Return the median duration and TPS of one arm in one cell; None where a trial stored nothing."""
    chosen = [
        (trial.duration_s, trial.achieved_per_s)
        for trial in trials
        if trial.kind == "data" and (trial.arm, trial.entity, trial.count) == (arm, entity, count)
    ]
    found = [(duration, rate) for duration, rate in chosen if duration and rate]
    if not found:
        return None
    return median(duration for duration, _ in found), median(rate for _, rate in found)


def _percent(share: float) -> str:
    color = "green" if share > 0 else "red" if share < 0 else "default"
    return f"[{color}]{share * 100:+,.0f} %[/]"


def _table(title: str, style: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=TABLE_STYLES[style], header_style="bold")

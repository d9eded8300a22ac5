"""The tables of a comparison, on the console."""

from __future__ import annotations

from rich.table import Table

from seawall.report.ratio_tables import improvement_table, ratio_table
from seawall.report.table_styles import number, styled_table
from seawall.result import Outcome, Result, Trial

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
        several = sum(arm.path == "kafka" for arm in result.arms) > 1
        tables += ratio_table(result, "data", style) if several else improvement_table(result, style)
    if any(trial.kind == "load" for trial in result.trials):
        tables.append(_load_table(result, style))
        tables += ratio_table(result, "load", style)
    return tables


def _trials_table(result: Result, style: str) -> Table:
    title = "Same data: every trial, timed from the first sending until the last row is visible"
    table = styled_table(f"{title}{_axes(result)}", style)
    for name in ("entity", "count", "Kafka", "arm"):
        table.add_column(name, justify="right" if name == "count" else "left", no_wrap=True)
    for name in ("success", "failed", "duration s", "TPS"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("audit", no_wrap=True)
    table.add_column("durability")
    last = None
    data = [trial for trial in result.trials if trial.kind == "data"]
    for trial in sorted(data, key=lambda trial: (trial.entity, trial.count or 0)):
        arm = result.arm(trial.arm)
        if last not in (None, (trial.entity, trial.count)):
            table.add_section()
        last = (trial.entity, trial.count)
        table.add_row(
            trial.entity,
            f"{trial.count:,}",
            kafka_status(arm.path),
            arm.name,
            f"{trial.audit.stored:,}",
            f"{max(0, (trial.count or 0) - trial.audit.stored):,}",
            number(trial.duration_s, 3),
            number(trial.achieved_per_s, 0),
            audit_words(trial),
            arm.durability,
        )
    return table


def _load_table(result: Result, style: str) -> Table:
    judged = next(trial for trial in result.trials if trial.kind == "load")
    arrival = ", Poisson arrivals" if result.options.get("arrival") == "poisson" else ""
    title = f"Same load: {judged.users:,} users, {judged.entity}, response from the intended start; each row a trial"
    table = styled_table(f"{title}{arrival}{_axes(result)}", style)
    table.add_column("arm", no_wrap=True)
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
            trial.arm,
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


def _axes(result: Result) -> str:
    """Return in words how the records differ from realistic ones, evenly spread over the partitions."""
    options = result.options
    words = []
    if options.get("record_bytes") is not None:
        words.append(f"records of {options['record_bytes']:,} bytes")
    if options.get("compressibility") is not None:
        words.append(f"compressibility {options['compressibility']:g}")
    if options.get("key_skew"):
        words.append(f"key skew {options['key_skew']:g}")
    return "".join(f", {word}" for word in words)

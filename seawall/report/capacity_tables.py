"""The tables of a search for capacity, on the console."""

from __future__ import annotations

from rich.table import Table

from seawall.report.capacity_words import name_of, why_no_more
from seawall.report.table_styles import number, styled_table
from seawall.result import CapacityFinding, Result, Trial

_COLORS = {"held": "green", "broke": "red", "untold": "yellow"}


def capacity_tables(result: Result, style: str) -> list[Table]:
    """Return the curve of each search, the knees of all, and where the log begins to pay."""
    trials = {trial.name: trial for trial in result.trials}
    tables = [*(_curve(finding, trials, style) for finding in result.capacity), _knees(result, style)]
    return [*tables, _break_even(result, style)] if result.break_even else tables


def _curve(finding: CapacityFinding, trials: dict[str, Trial], style: str) -> Table:
    table = styled_table(f"{name_of(finding)}: each load that was tried, on fresh state", style)
    for name in (
        "offered\n/s",
        "users",
        "achieved\n/s",
        "p50\nms",
        "p95\nms",
        "p99\nms",
        "visible\np95 ms",
        "CPU s /\n1,000 rows",
    ):
        table.add_column(name, justify="right")
    table.add_column("")
    for step in sorted(finding.steps, key=lambda step: step.load_per_s):
        trial = trials[step.trial]
        response = trial.response_ms
        knee = f" ({step.share_of_knee:.0%} of the knee)" if step.share_of_knee else ""
        table.add_row(
            number(step.load_per_s, 0),
            f"{trial.users:,}",
            number(trial.achieved_per_s, 0),
            *(number(value, 1) for value in (response.p50, response.p95, response.p99, trial.visible_ms.p95)),
            number(trial.cpu_s_per_1000_rows, 3),
            f"[{_COLORS[step.step]}]{step.step}[/]" + knee + (f": {step.reason}" if step.reason else ""),
        )
    return table


def _knees(result: Result, style: str) -> Table:
    table = styled_table("Capacity: the highest load that holds all targets", style)
    for name in ("path", "last pass\n/s", "first fail\n/s", "why no more", "durability"):
        table.add_column(name, justify="right" if "/s" in name else "left")
    for finding in result.capacity:
        table.add_row(
            name_of(finding),
            number(finding.last_pass_per_s, 0),
            number(finding.first_fail_per_s, 0),
            why_no_more(finding),
            result.arm(finding.arm).durability,
        )
    return table


def _break_even(result: Result, style: str) -> Table:
    table = styled_table("Kafka carries more than ...", style)
    for name in ("... this path", "by", "where"):
        table.add_column(name)
    for row in result.break_even:
        table.add_row(row.base, row.by, row.says)
    return table

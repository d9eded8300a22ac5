"""The tables of a search for capacity, on the console."""

from __future__ import annotations

from rich.table import Table

from seawall.report.table_styles import number, styled_table
from seawall.result import CapacityFinding, Result, Trial

_COLORS = {"held": "green", "broke": "red", "untold": "yellow"}
_LIMITS = {
    "targets": "the next load breaks a target",
    "instrument": "the next load cannot be offered from here",
    "most": "no higher load was to be tried",
}


def capacity_tables(result: Result, style: str) -> list[Table]:
    """Return the curve of each search, the knees of all, and where the log begins to pay."""
    trials = {trial.name: trial for trial in result.trials}
    tables = [*(_curve(finding, trials, style) for finding in result.capacity), _knees(result, style)]
    return [*tables, _break_even(result, style)] if result.break_even else tables


def capacity_remarks(result: Result) -> list[str]:
    """Return what a reader of the knees should know beside them."""
    remarks = [
        f"{_name(finding)}: beyond {number(finding.last_pass_per_s, 0)}/s the bottleneck is {finding.bottleneck}."
        f" To try: {finding.advice}."
        for finding in result.capacity
        if finding.bottleneck
    ]
    remarks += [f"{finding.arm}: {finding.overload}." for finding in result.capacity if finding.overload]
    paths = {finding.path for finding in result.capacity}
    if {"kafka"} < paths and not any(one.database_delay_ms or one.flush_delay_ms for one in result.capacity):
        remarks.append(
            "The database is on this machine and its disk is fast, which is the best case for writing straight to it:"
            " --database-delay and --flush-delay model one that is far away or slow."
        )
    return remarks


def _curve(finding: CapacityFinding, trials: dict[str, Trial], style: str) -> Table:
    table = styled_table(f"{_name(finding)}: each load that was tried, on fresh state", style)
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
        words = _LIMITS[finding.limit] + ("" if finding.confirmed else "; not confirmed")
        table.add_row(
            _name(finding),
            number(finding.last_pass_per_s, 0),
            number(finding.first_fail_per_s, 0),
            words,
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


def _name(finding: CapacityFinding) -> str:
    return finding.arm + (f", a burst of {finding.burst_s:g} s" if finding.burst_s else "")

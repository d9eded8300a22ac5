"""What is said of a search for capacity, on the console and on the page alike."""

from __future__ import annotations

from seawall.report.answer_form import Answer
from seawall.report.comparison_words import doubts_of
from seawall.report.table_styles import number
from seawall.result import CapacityFinding, Result

_LIMITS = {
    "targets": "the next load breaks a target",
    "instrument": "the next load cannot be offered from here",
    "most": "no higher load was to be tried",
}


def name_of(finding: CapacityFinding) -> str:
    """Return the arm's name, and how long the load lasts where it does not last."""
    return finding.arm + (f", a burst of {finding.burst_s:g} s" if finding.burst_s else "")


def why_no_more(finding: CapacityFinding) -> str:
    """Return what ends the range, and whether that is certain."""
    return _LIMITS[finding.limit] + ("" if finding.confirmed else "; not confirmed")


def capacity_remarks(result: Result) -> list[str]:
    """Return what a reader of the knees should know beside them."""
    remarks = [
        f"{name_of(finding)}: beyond {number(finding.last_pass_per_s, 0)}/s the bottleneck is {finding.bottleneck}."
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


def capacity_answer(result: Result) -> Answer:
    """Return the highest load of each path, what ends it, and from where on the log carries more."""
    lasting = [finding for finding in result.capacity if finding.burst_s is None]
    highest = max((finding.last_pass_per_s or 0.0 for finding in lasting), default=0.0)
    word = f"Up to {highest:,.0f} writes a second" if highest else "No load was held"
    said = [
        f"{finding.arm} holds {finding.last_pass_per_s:,.0f} a second ({why_no_more(finding)})"
        if finding.last_pass_per_s
        else f"{finding.arm} holds no load"
        for finding in lasting
    ]
    return Answer(
        "How much does each path carry with all targets held?",
        word,
        f"{'; '.join(said)}." if said else "The search ended before its first load did.",
        from_which_load=[f"Kafka carries more than {row.base}, by {row.by}: {row.says}." for row in result.break_even],
        doubts=[*capacity_remarks(result), *doubts_of(result)],
    )

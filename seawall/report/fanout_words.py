"""The same records for many groups, from the log and copied through the database, in words and tables."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.answer_form import Answer
from seawall.report.figure_table import FigureRow, FigureTable
from seawall.report.figures import NOTHING, figure
from seawall.result import Outcome, Result
from seawall.result.fanout import DATABASE, LOG, PLAIN, SLOW, STUMBLING, FanoutFinding

NEVER_MEASURED = (
    "Groups on machines of their own: all share these processors, which is what the storing group loses most by.",
    "How much runs differ: there was one trial each.",
    "Other kinds of work, other records, and groups of several processes.",
    "A load that lasts: records were sent as fast as the log took them, and then no more.",
    "A process that dies over a record, each time again: its group would stand still, and others go on.",
)
"""What such a run leaves open, whatever it found."""


def _question(result: Result) -> str:
    most = max(result.options.get("groups", [1]), default=1)
    return (
        f"What does storing lose when up to {most} groups read the same {result.options.get('records', 0):,} orders,"
        " from the log and by copies in the database?"
    )


def fanout_answer(result: Result) -> Answer:
    """Return what the storing group kept beside others, and what the log gave and cost."""
    doubts = [f"{reason.rstrip('.')}." for reason in result.reasons]
    if not result.fanout:
        return Answer(_question(result), "Nothing was measured", "The run ended before its first trial.", [], doubts)
    plain = [one for one in result.fanout if one.what == PLAIN and one.count > 1]
    said = "; ".join(f"{one.arm}, {one.count} groups: {_kept(one)}" for one in plain) or in_words(result.fanout[0])
    return Answer(_question(result), _word(result, plain), f"{said}.", list(_gain_and_cost(result)), doubts)


def _word(result: Result, plain: list[FanoutFinding]) -> str:
    if result.outcome is Outcome.FAIL:
        return "Not all of it is right and kept"
    of_log = [one for one in plain if one.arm == LOG and one.store_kept is not None]
    if result.outcome is not Outcome.PASS or not of_log:
        return "This run does not tell"
    return f"{of_log[-1].store_kept:.0%} of its throughput is left beside {of_log[-1].count - 1} others"


def _kept(finding: FanoutFinding) -> str:
    if finding.store_kept is None:
        return f"{figure(finding.store_per_s)} rows a second"
    per_cpu = "" if finding.store_kept_per_cpu_s is None else (
        f" and {finding.store_kept_per_cpu_s:.0%} for each processor second of sinks and database"
    )  # fmt: skip
    return f"storing kept {finding.store_kept:.0%} of what it has alone{per_cpu}"


def _gain_and_cost(result: Result) -> Iterator[str]:
    most = max(finding.count for finding in result.fanout)
    if not {LOG, DATABASE} <= {one.arm for one in result.fanout}:
        yield "What the log gave beside copies in the database is not told: that takes trials of both."
    yield from _gain(result)
    yield f"What each of up to {most} groups made was held against the table: {_all_right(result)}."
    for row in result.targets:
        if row.metric == "store_kept":
            yield f"With eight groups storing has {row.reason}."
    for arm in (LOG, DATABASE):
        slow = next((one for one in result.fanout if one.arm == arm and one.what == SLOW), None)
        if slow is not None and slow.others_kept is not None:
            yield f"Beside a slow group, by the {arm}, each other one kept {slow.others_kept:.0%} of its pace at least."
    stumbling = next((one for one in result.fanout if one.what == STUMBLING), None)
    if stumbling is not None:
        buried = sum(one.buried for one in stumbling.groups)
        yield f"The group that stumbled over a record buried {buried:,} and did all others; the other groups did all."
    for rebuilt in result.rebuilt:
        took = "" if rebuilt.took_s is None else f" in {rebuilt.took_s:.1f} s"
        yield (
            f"A lost table of {rebuilt.rows:,} rows was built again from the log's first record on{took}:"
            f" {rebuilt.built:,} rows, {rebuilt.differing:,} that differ."
        )
    yield (
        "What the log cost: the groups' processor time, as by the database; but no row is written twice, a new group"
        " can read what came before it, and one that is late lets no queue grow in the database."
    )


def _gain(result: Result) -> Iterator[str]:
    """Say what the log leaves the storing group, beside the database's copies, at the most groups."""
    most = max(finding.count for finding in result.fanout)
    by = {one.arm: one for one in result.fanout if one.what == PLAIN and one.count == most}
    log, database = by.get(LOG), by.get(DATABASE)
    if log and database and log.store_per_cpu_s and database.store_per_cpu_s:
        yield (
            f"What the log gave: a processor second of sinks and database stores {log.store_per_cpu_s:,.0f} records"
            f" beside {most} groups that read it, and {database.store_per_cpu_s:,.0f} where the database copies each"
            " row for each of them."
        )


def _all_right(result: Result) -> str:
    wrong = [one.name for finding in result.fanout for one in finding.groups if not one.right]
    return f"not right are {', '.join(wrong)}" if wrong else "all is right"


def in_words(finding: FanoutFinding) -> str:
    """Return in a line what one trial came to."""
    why = f": {'; '.join(finding.reasons)}" if finding.reasons else ""
    right = sum(one.right for one in finding.groups)
    stored = f"{figure(finding.store_per_s)} rows a second"
    kept = "" if finding.store_kept is None else f", {_kept(finding)}"
    return f"{stored}{kept}, {right} of {finding.count} groups right{why}"


def fanout_tables(result: Result) -> Iterator[FigureTable]:
    """Yield the table of trials, that of every group in each, and that of the lost table."""
    if not result.fanout:
        return
    yield FigureTable(
        title="The same records for many groups",
        caption="kept: the storing group's rows a second as a share of what it has alone; for the same processor time:"
        " the same for each processor second of sinks and database; others kept: the least that another group kept of"
        " its pace beside a slow one; cores: kept busy by servers, groups and feed, and by everything"
        " else on the machine",
        columns=(
            "by", "groups", "what", "records", "stored /s", "kept", "for the same processor time", "others kept",
            "cores", "cores of others", "lost", "doubled",
        ),
        texts=frozenset({"what"}),
        rows=[FigureRow(cells=_trial(one), outcome=one.outcome) for one in result.fanout],
    )  # fmt: skip
    yield FigureTable(
        title="What each group did",
        caption="done a second: from the first record's sending until the group's last was done",
        columns=("trial", "group", "done", "buried", "done /s", "CPU s", "held against the table"),
        texts=frozenset({"group", "held against the table"}),
        rows=[
            FigureRow(
                cells=(
                    finding.trial, one.kind, f"{one.done:,}", f"{one.buried:,}", figure(one.per_s), figure(one.cpu_s),
                    one.said,
                ),
                outcome=Outcome.PASS if one.right else Outcome.FAIL,
            )
            for finding in result.fanout
            for one in finding.groups
        ],
    )  # fmt: skip
    if result.rebuilt:
        yield FigureTable(
            title="A lost table, built again from the log's first record on",
            columns=("rows lost", "rows built", "that differ", "took s"),
            rows=[
                FigureRow(
                    cells=(f"{one.rows:,}", f"{one.built:,}", f"{one.differing:,}", figure(one.took_s)),
                    outcome=one.outcome,
                )
                for one in result.rebuilt
            ],
        )


def _trial(one: FanoutFinding) -> tuple[str, ...]:
    return (
        one.arm,
        f"{one.count}",
        one.what,
        f"{one.records:,}",
        figure(one.store_per_s),
        _share(one.store_kept),
        _share(one.store_kept_per_cpu_s),
        _share(one.others_kept),
        figure(one.cores),
        figure(one.others_cores),
        f"{one.lost:,}",
        f"{one.doubled:,}",
    )


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"

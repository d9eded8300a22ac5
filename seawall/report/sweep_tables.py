"""What stands beside the figures of a sweep, a plan or a search: the clients, the disk, changes of the group, kills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from seawall.report.experiment_names import TUNE
from seawall.report.figure_table import FigureRow, FigureTable
from seawall.report.figures import NOTHING
from seawall.result import Arm, DiskFigures, RebalanceFigures, Result, Trial

_EVIDENCE = (
    ("records a request", "log", "records_per_request", "{:,.1f}"),
    ("bytes a record sent", "log", "bytes_per_record", "{:,.1f}"),
    ("records a fetch", "log", "records_per_fetch", "{:,.1f}"),
    ("bytes a record fetched", "log", "fetched_bytes_per_record", "{:,.1f}"),
    ("rows a transaction", "log", "rows_per_batch", "{:,.1f}"),
    ("fullest partition", "spread", "fullest", "{:.2f} times"),
    ("a user's rows in order", "spread", "in_order", "{:.2%}"),
)
"""Of each column its name, the part of a trial and the field that it is read from, and its form."""
_AT_WORK = "Brokers were still tidying up in some trials when the time was up: less may be left than that."


def sweep_tables(result: Result) -> list[FigureTable]:
    """Return what there is to tell beside the figures; nothing where no knob was turned."""
    if result.experiment != TUNE:
        return []
    counted = [evidence_table(result)] if any(trial.log or trial.spread for trial in result.trials) else []
    tables = [*counted, *disk_table(result), *rebalance_table(result)]
    return [*tables, kill_table(result)] if result.options.get("kill") else tables


def evidence_table(result: Result) -> FigureTable:
    """Return what the clients of the log counted at each level; of a search, at those that stayed in a round."""
    rows = []
    for arm in _told(result):
        trials = _trials(result, arm)
        cells = [
            _median((getattr(part, field) for trial in trials if (part := getattr(trial, of)) is not None), form)
            for _, of, field, form in _EVIDENCE
        ]
        rows.append(FigureRow(cells=(arm.name, *cells)))
    return _filled(
        FigureTable(
            title="What the clients of the log counted",
            caption="medians of the trials",
            columns=("level", *(name for name, *_ in _EVIDENCE)),
            rows=rows,
        )
    )


def disk_table(result: Result) -> Iterator[FigureTable]:
    """Yield what was left on the brokers' disks at each level; nothing where nobody looked."""
    looks = [trial.disk for trial in result.trials if trial.disk is not None]
    if not looks:
        return
    yield FigureTable(
        title="What is left on disk",
        caption="medians of the trials, once the brokers had tidied up; offsets written: those of records that were"
        " written once more included; disk taken: with indexes, and files that are deleted and not yet removed"
        + ("" if all(look.at_rest for look in looks) else f". {_AT_WORK}"),
        columns=("level", "offsets written", "records left", "share", "bytes left", "a record written", "segments",
                 "disk taken", "deleted unread"),
        rows=[FigureRow(cells=(arm.name, *_left(_trials(result, arm)))) for arm in result.arms],
    )  # fmt: skip


def rebalance_table(result: Result) -> Iterator[FigureTable]:
    """Yield what each change of the sinks' group came to at each level; nothing where nobody changed it."""
    if not any(trial.rebalances for trial in result.trials):
        return
    yield FigureTable(
        title="What changes of the sinks' group came to",
        caption="medians of the trials, and of what was read again the sum; stopped: for half a second or longer"
        " nothing of a partition was consumed though a record lay there",
        columns=("level", "change", "partitions", "stopped", "longest stop ms", "median stop ms", "visible p95 ms",
                 "longest visible ms", "read again"),
        texts=frozenset({"change"}),
        rows=[
            FigureRow(cells=(arm.name, told[0].what, *_came_to(told)))
            for arm in result.arms
            for told in changes_of(result, arm)
        ],
    )  # fmt: skip


def kill_table(result: Result) -> FigureTable:
    """Return what kills of a sink came to at each level."""
    rows = []
    for arm in result.arms:
        trials = _trials(result, arm)
        counts = [trial.audit for trial in trials]
        figures = (
            sum(count for trial in trials for name, count in trial.restarts.items() if name.startswith("sink")),
            sum(count.absorbed_duplicates for count in counts),
            sum(count.lost for count in counts),
            sum(count.offsets_ahead for count in counts),
        )
        longest = _median((trial.visible_ms.max for trial in trials), "{:,.0f}")
        rows.append(FigureRow(cells=(arm.name, *(f"{figure:,}" for figure in figures), longest)))
    return FigureTable(
        title="What killed sinks left",
        caption="sums of all trials; longest visible: the record that waited longest for its row, and so how long it"
        " took at most until rows came again, the median of the trials; a dash where some never came",
        columns=("level", "kills", "read again", "lost", "offsets ahead of rows", "longest visible ms"),
        rows=rows,
    )


def changes_of(result: Result, arm: Arm) -> Iterator[list[RebalanceFigures]]:
    """Yield the time before and then each change of *arm*'s trials, those of the same place together."""
    trials = [trial for trial in _trials(result, arm) if trial.rebalances]
    for number in range(max((len(trial.rebalances) for trial in trials), default=0)):
        yield [trial.rebalances[number] for trial in trials if len(trial.rebalances) > number]


def looks_at(result: Result, arm: Arm) -> list[DiskFigures]:
    """Return the looks at the disk after *arm*'s trials."""
    return [trial.disk for trial in _trials(result, arm) if trial.disk is not None]


def _told(result: Result) -> list[Arm]:
    found = result.search
    if found is None:
        return result.arms
    stayed = {found.base, found.arm, *(step.arm for step in found.steps if step.stays)}
    return [arm for arm in result.arms if arm.name in stayed]


def _trials(result: Result, arm: Arm) -> list[Trial]:
    return [trial for trial in result.trials if trial.arm == arm.name]


def _left(trials: list[Trial]) -> Iterator[str]:
    looks = [trial.disk for trial in trials if trial.disk is not None]
    for figures, form in (
        ((one.written for one in looks), "{:,.0f}"),
        ((one.records for one in looks), "{:,.0f}"),
        ((one.share for one in looks), "{:.1%}"),
        ((one.size_bytes for one in looks), "{:,.0f}"),
        ((one.bytes_per_record for one in looks), "{:,.1f}"),
        ((one.segments for one in looks), "{:,.0f}"),
        ((one.allocated_bytes for one in looks), "{:,.0f}"),
    ):
        yield _median(figures, form)
    yield f"{sum(trial.audit.deleted_unread for trial in trials):,}" if looks else NOTHING


def _came_to(told: list[RebalanceFigures]) -> Iterator[str]:
    for field in ("partitions", "stopped", "longest_stop_ms", "median_stop_ms", "visible_p95_ms", "visible_max_ms"):
        yield _median((getattr(one, field) for one in told), "{:,.0f}")
    yield f"{sum(one.read_again for one in told):,}"


def _median(figures: Iterable[float | None], form: str) -> str:
    known = [figure for figure in figures if figure is not None]
    return form.format(median(known)) if known else NOTHING


def _filled(table: FigureTable) -> FigureTable:
    """Return *table* without the columns that hold nothing."""
    places = [n for n in range(len(table.columns)) if not n or any(row.cells[n] != NOTHING for row in table.rows)]
    return FigureTable(
        title=table.title,
        caption=table.caption,
        columns=tuple(table.columns[place] for place in places),
        rows=[FigureRow(cells=tuple(row.cells[place] for place in places)) for row in table.rows],
    )

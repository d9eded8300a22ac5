"""Tables of a sweep: what each level of a knob did, and all knobs that there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from rich.table import Table

from seawall.report.table_styles import styled_table
from seawall.result import ArmComparison, Result
from seawall.tuning.catalogue import full_name
from seawall.tuning.knob import Knob, as_text

_EVIDENCE = (
    ("level", ""),
    ("records a request", "records_per_request"),
    ("bytes a record sent", "bytes_per_record"),
    ("records a fetch", "records_per_fetch"),
    ("bytes a record fetched", "fetched_bytes_per_record"),
    ("rows a transaction", "rows_per_batch"),
)
_SPREAD = (("fullest partition", "fullest", "{:.2f} times"), ("a user's rows in order", "in_order", "{:.2%}"))
NOTHING_SHOWN, TOO_FEW = "no effect shown", "too few trials"


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


def evidence_table(result: Result, style: str) -> Table:
    """Return what the clients of the log counted at each level: the median of its trials."""
    table = styled_table("What the clients say: medians of the trials", style)
    for name in (*(name for name, _ in _EVIDENCE), *(name for name, _, _ in _SPREAD)):
        table.add_column(name, justify="left" if name == "level" else "right")
    for arm in result.arms:
        logs = [trial.log for trial in result.trials if trial.arm == arm.name and trial.log is not None]
        cells = []
        for _, field in _EVIDENCE[1:]:
            figures = [figure for log in logs if (figure := getattr(log, field)) is not None]
            cells.append(f"{median(figures):,.1f}" if figures else "")
        spreads = [trial.spread for trial in result.trials if trial.arm == arm.name and trial.spread is not None]
        for _, field, form in _SPREAD:
            figures = [figure for one in spreads if (figure := getattr(one, field)) is not None]
            cells.append(form.format(median(figures)) if figures else "")
        table.add_row(arm.name, *cells)
    return table


def evidence_tables(result: Result, style: str) -> list[Table]:
    """Return all that stands beside the figures: of each level, and of the disk, changes and kills where they were."""
    kills = [kill_table(result, style)] if result.options.get("kill") else []
    return [evidence_table(result, style), *disk_table(result, style), *rebalance_table(result, style), *kills]


def kill_table(result: Result, style: str) -> Table:
    """Return what kills of a sink came to at each level: the sums over its trials."""
    table = styled_table("What killed sinks left: sums of all trials", style)
    for name in ("level", "kills", "read again", "lost", "offsets ahead of rows"):
        table.add_column(name, justify="left" if name == "level" else "right")
    for arm in result.arms:
        trials = [trial for trial in result.trials if trial.arm == arm.name]
        counts = [trial.audit for trial in trials]
        figures = (
            sum(count for trial in trials for name, count in trial.restarts.items() if name.startswith("sink")),
            sum(count.absorbed_duplicates for count in counts),
            sum(count.lost for count in counts),
            sum(count.offsets_ahead for count in counts),
        )
        table.add_row(arm.name, *(f"{figure:,}" for figure in figures))
    return table


def rebalance_table(result: Result, style: str) -> list[Table]:
    """Return what each change of the sinks' group came to at each level: medians over its trials, and of repeats sums.

    None where nobody changed it.
    """
    if not any(trial.rebalances for trial in result.trials):
        return []
    table = styled_table("What changes of the sinks' group came to: medians of the trials", style)
    for name in ("level", "change", "partitions", "stopped", "longest stop ms", "median stop ms"):
        table.add_column(name, justify="left" if name in ("level", "change") else "right")
    for name in ("visible p95 ms", "longest visible ms", "read again, all trials"):
        table.add_column(name, justify="right")
    for arm in result.arms:
        trials = [trial for trial in result.trials if trial.arm == arm.name and trial.rebalances]
        most = max((len(trial.rebalances) for trial in trials), default=0)
        for number in range(most):
            told = [trial.rebalances[number] for trial in trials if len(trial.rebalances) > number]
            cells = []
            for field in ("longest_stop_ms", "median_stop_ms", "visible_p95_ms", "visible_max_ms"):
                figures = [figure for one in told if (figure := getattr(one, field)) is not None]
                cells.append(f"{median(figures):,.0f}" if figures else "")
            counts = (f"{median(getattr(one, field) for one in told):,.0f}" for field in ("partitions", "stopped"))
            again = f"{sum(one.read_again for one in told):,}"
            table.add_row(arm.name if not number else "", told[0].what, *counts, *cells, again)
        table.add_section()
    table.caption = (
        "Stopped: for half a second or longer nothing of a partition was consumed though a record lay there."
    )
    return [table]


def disk_table(result: Result, style: str) -> list[Table]:
    """Return what was left on the brokers' disks at each level: medians over its trials; none where nobody looked."""
    if not any(trial.disk for trial in result.trials):
        return []
    table = styled_table("What is left on disk: medians of the trials", style)
    for name in ("level", "offsets written", "records left", "share", "bytes left", "a record written", "segments"):
        table.add_column(name, justify="left" if name == "level" else "right")
    for name in ("disk taken", "deleted unread"):
        table.add_column(name, justify="right")
    for arm in result.arms:
        trials = [trial for trial in result.trials if trial.arm == arm.name]
        looks = [trial.disk for trial in trials if trial.disk is not None]
        if not looks:
            table.add_row(arm.name)
            continue
        figures = (
            f"{median(one.written for one in looks):,.0f}",
            f"{median(one.records for one in looks):,.0f}",
            f"{median(one.share or 0.0 for one in looks):.1%}",
            f"{median(one.size_bytes for one in looks):,.0f}",
            f"{median(one.size_bytes / one.written for one in looks):,.1f}",
            f"{median(one.segments for one in looks):,.0f}",
            f"{median(one.allocated_bytes for one in looks):,.0f}",
            f"{sum(trial.audit.deleted_unread for trial in trials):,}",
        )
        table.add_row(arm.name, *figures)
    if not all(trial.disk.at_rest for trial in result.trials if trial.disk is not None):
        table.caption = "Brokers were still tidying up in some trials when the time was up: less may be left than that."
    return [table]


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
    return f"{row.metric} {row.says}"

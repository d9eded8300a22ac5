"""Arms against one another, on the console: ratios, their doubt, and what the arms promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from seawall.report.table_styles import NOTHING, styled_table
from seawall.result import ArmComparison, Result

_LESS_IS_BETTER = (
    "response_p95_ms", "visible_p95_ms", "duration_s", "cpu_s_per_1000_rows", "left_bytes_per_record",
    "longest_stop_ms",
)  # fmt: skip
_HEADINGS = {
    "duration_s": "duration",
    "response_p95_ms": "response\np95",
    "visible_p95_ms": "visible\np95",
    "achieved_per_s": "achieved\n/s",
    "cpu_s_per_1000_rows": "CPU s /\n1,000 rows",
    "left_bytes_per_record": "left bytes\na record",
    "longest_stop_ms": "longest\nstop",
}
_HEADLINES = {
    "visible_p95_ms": "visible p95",
    "duration_s": "duration",
    "response_p95_ms": "response p95",
    "achieved_per_s": "the achieved rate",
}
"""The first that was measured is the one whose precision counts."""
_TRIALS_A_BLOCK = 2


def improvement_table(result: Result, style: str) -> list[Table]:
    """Return the table of the one arm with Kafka against each without; none where one side is missing."""
    kafka = next((arm.name for arm in result.arms if arm.path == "kafka"), None)
    bases = [arm.name for arm in result.arms if arm.path != "kafka"]
    rows = {
        (row.entity, row.count, row.base, row.metric): row
        for row in result.comparisons
        if row.kind == "data" and row.arm == kafka and row.base in bases
    }
    if not rows:
        return []
    table = styled_table(
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
        here = [row for key, row in rows.items() if key[:2] == (entity, count)]
        cells = []
        for base in bases:
            cells.append(_improvement(rows.get((entity, count, base, "duration_s")), less_is_better=True))
            cells.append(_improvement(rows.get((entity, count, base, "achieved_per_s")), less_is_better=False))
        table.add_row(entity, f"{count:,}", *cells, "; ".join(dict.fromkeys(_classes(result, row) for row in here)))
    table.caption = _notes(list(rows.values()))
    return [table]


def ratio_table(result: Result, kind: str, style: str) -> list[Table]:
    """Return the table of all pairs of arms, those of equal durability first; none where there is no pair."""
    rows = [row for row in result.comparisons if row.kind == kind]
    metrics = [metric for metric in _HEADINGS if any(row.metric == metric for row in rows)]
    if not rows:
        return []
    table = styled_table(
        f"Same {kind}, arm against arm: how many times as large a figure is (Hodges-Lehmann over trials, with 95 %"
        " interval)",
        style,
    )
    for name in ("entity", "count") if kind == "data" else ():
        table.add_column(name, justify="right" if name == "count" else "left", no_wrap=True)
    for name in ("arm", "against"):
        table.add_column(name, no_wrap=True)
    for metric in metrics:
        table.add_column(_HEADINGS[metric], justify="right")
    table.add_column("durability")
    for pairs in _by_class(rows):
        table.add_section()
        for entity, count, base, arm in dict.fromkeys((row.entity, row.count, row.base, row.arm) for row in pairs):
            here = {
                row.metric: row
                for row in pairs
                if (row.entity, row.count, row.base, row.arm) == (entity, count, base, arm)
            }
            cell = (entity, f"{count:,}") if kind == "data" else ()
            one = next(iter(here.values()))
            stacks = ", two stacks" if one.across_stacks else ""
            figures = [_ratio(here.get(metric)) for metric in metrics]
            table.add_row(*cell, arm, base, *figures, f"{_classes(result, one)}{stacks}")
    table.caption = _notes(rows)
    return [table]


def _by_class(rows: Sequence[ArmComparison]) -> Iterator[list[ArmComparison]]:
    for differ in (False, True):
        if found := [row for row in rows if bool(row.unequal) == differ]:
            yield found


def _classes(result: Result, row: ArmComparison) -> str:
    """Return both arms' durability, once where it is the same."""
    words = (result.arm(row.arm).durability, result.arm(row.base).durability)
    return row.unequal or " against ".join(dict.fromkeys(words))


def _notes(rows: Sequence[ArmComparison]) -> str:
    """Return what a reader must know of these ratios, a line each."""
    notes = []
    if any(row.unequal for row in rows):
        notes.append("Not a ranking where durability differs: what is answered there is not equally safe.")
    if any(row.across_stacks for row in rows):
        notes.append("Two stacks: these arms ran in turns on servers of their own, and other brokers ran beside them.")
    if any(row.ci_low is None for row in rows):
        notes.append(_trials_needed(rows))
    return "\n".join(notes)


def _trials_needed(rows: Iterable[ArmComparison]) -> str:
    """Return how many trials the headline takes, for the pair of arms with the widest spread."""
    needed = {row.metric: row.trials_needed for row in sorted(rows, key=_needed) if row.trials_needed}
    for metric, name in _HEADLINES.items():
        if metric in needed:
            trials = needed[metric]
            return (
                f"For ±10 % on {name} run about {trials:,} trials an arm (--blocks {-(-trials // _TRIALS_A_BLOCK):,})."
            )
    return "Too few valid trials to see a spread: run at least 2 an arm (--blocks 1)."


def _needed(row: ArmComparison) -> int:
    return row.trials_needed or 0


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
    return _in_words(row, interval, better=gain > 0)


def _ratio(row: ArmComparison | None) -> str:
    """Return a ratio as it is."""
    if row is None or row.ratio is None:
        return NOTHING
    if row.ci_low is None or row.ci_high is None:
        return f"{_times(row.ratio)} (no interval: {row.trials} trials)"
    better = (row.ratio < 1) == (row.metric in _LESS_IS_BETTER)
    return _in_words(row, f"{_times(row.ratio)} \\[{_times(row.ci_low)}, {_times(row.ci_high)}]", better=better)


def _times(ratio: float) -> str:
    """Return a ratio to two decimals, and a small one to two digits, so that it is never told as 0."""
    return f"{ratio:,.2f}" if ratio >= 0.1 else f"{ratio:.2g}"  # noqa: PLR2004


def _in_words(row: ArmComparison, interval: str, *, better: bool) -> str:
    if row.says == "equivalent":
        return f"equivalent within 5 %\n{interval}"
    if not row.significant:
        return f"no difference shown\n{interval}"
    return f"[{'green' if better else 'red'}]{interval}[/]"

"""A CSV file into the database, directly and through the log, in words and tables."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.answer_form import Answer
from seawall.report.figure_table import FigureRow, FigureTable
from seawall.report.figures import NOTHING, figure
from seawall.result import Outcome, Result
from seawall.result.csv_import import CsvFinding

NOT_MEASURED = (
    "How much imports differ: there was one a way.",
    "Several files at once, several sinks, or a table with indexes of its own.",
    "A database and a log on machines of their own: all share these processors.",
    "The loader on the file as it is: it gets the good rows as a clean file, since it stops at the first bad one.",
)
"""What such a run leaves open, whatever it found."""
_MEGA = 1e6


def csv_answer(result: Result) -> Answer:
    """Return how fast each way was, whether all rows are where they belong, and what the log cost."""
    question = "How fast does a CSV file get into the database, directly and through the log, and is every row there?"
    doubts = [f"{reason.rstrip('.')}." for reason in result.reasons]
    if not result.csv:
        return Answer(question, "Nothing was measured", "The run ended before the first import.", [], doubts)
    said = "; ".join(f"{one.arm}: {_in_short(one)}" for one in result.csv)
    return Answer(question, _word(result), f"{said}.", list(_gain_and_cost(result)), doubts)


def _word(result: Result) -> str:
    if any(one.outcome is Outcome.FAIL for one in result.csv):
        return "Not every row is where it belongs"
    if result.outcome is Outcome.FAIL:
        return "Every row is where it belongs, but not all that is claimed was reached"
    return "Every row is where it belongs"


def _in_short(one: CsvFinding) -> str:
    if one.rows_per_s is None:
        return f"{one.stored:,} rows stored, {one.in_table:,} there"
    share = "" if one.share_of_loader is None else f", {one.share_of_loader:.0%} of the database's own loader"
    return f"{figure(one.rows_per_s)} rows a second until visible{share}"


def _gain_and_cost(result: Result) -> Iterator[str]:
    for one in result.csv:
        yield (
            f"{one.arm}: {one.in_table:,} rows in the table and {one.in_rejects:,} records in {one.rejects}, held"
            f" against the file line by line: {'all as it should be' if one.outcome is Outcome.PASS else 'not right'}."
        )
        if one.stored != one.good:
            yield f"{one.arm}: this import stored {one.stored:,} of {one.good:,} rows; the others were there already."
    if result.csv_loader is not None:
        loader = result.csv_loader
        yield (
            f"The database's own {loader.name} took {loader.rows:,} of these rows at {figure(loader.rows_per_s)} a"
            " second."
        )
    yield (
        "What the log costs is a second process and the log's own work; what it gives is that others can read the same"
        " rows, and that whoever reads the file does not wait for the table."
    )


def in_words(one: CsvFinding) -> str:
    """Return in a line what one import came to."""
    why = f": {'; '.join(one.reasons)}" if one.reasons else ""
    return f"{_in_short(one)}, {one.bad:,} rejected{why}"


def csv_tables(result: Result) -> Iterator[FigureTable]:
    """Yield the table of ways, and that of what the audit found."""
    if not result.csv:
        return
    yield FigureTable(
        title="A CSV file into the database",
        caption="rows/s: good rows, from the opening of the file until the last one was visible; of loader: as a share"
        " of what the database's own loader takes of the same rows; behind: from the last row's reading until it was"
        " visible; memory: the most that a process of the import held",
        columns=(
            "by",
            "good rows",
            "stored",
            "seconds",
            "rows/s",
            "of loader",
            "behind s",
            "memory MB",
            "CPU s",
            "read as",
        ),
        texts=frozenset({"read as"}),
        rows=[*(FigureRow(cells=_way(one), outcome=_outcome(result, one)) for one in result.csv), *_loader(result)],
    )
    yield FigureTable(
        title="Where the records of the file are",
        columns=(
            "by", "in the table", "rejected", "lost", "unreported", "corrupted", "phantom", "doubled", "buried",
            "reject file",
        ),
        texts=frozenset({"reject file"}),
        rows=[
            FigureRow(
                cells=(
                    one.arm, f"{one.in_table:,}", f"{one.in_rejects:,}", f"{one.lost:,}", f"{one.unreported:,}",
                    f"{one.corrupted:,}", f"{one.phantom:,}", f"{one.doubled:,}", f"{one.buried:,}", one.rejects,
                ),
                outcome=one.outcome,
            )
            for one in result.csv
        ],
    )  # fmt: skip


def _outcome(result: Result, one: CsvFinding) -> Outcome:
    """Return the worse of the import's outcome and those of its targets."""
    found = [one.outcome, *(row.outcome for row in result.targets if row.arm == one.arm)]
    return next((bad for bad in (Outcome.FAIL, Outcome.INVALID, Outcome.INCONCLUSIVE) if bad in found), Outcome.PASS)


def _way(one: CsvFinding) -> tuple[str, ...]:
    return (
        one.arm,
        f"{one.good:,}",
        f"{one.stored:,}",
        figure(one.seconds),
        figure(one.rows_per_s),
        NOTHING if one.share_of_loader is None else f"{one.share_of_loader:.0%}",
        figure(one.behind_s),
        ", ".join(f"{name} {used / _MEGA:.0f}" for name, used in one.memory_bytes.items()) or NOTHING,
        ", ".join(f"{name} {used:.1f}" for name, used in one.cpu_s.items()) or NOTHING,
        one.read_as,
    )


def _loader(result: Result) -> Iterator[FigureRow]:
    if (one := result.csv_loader) is not None:
        rows = f"{one.rows:,}"
        yield FigureRow(
            cells=(one.name, rows, rows, figure(one.seconds), figure(one.rows_per_s), "100%", *(NOTHING,) * 3, "utf-8")
        )

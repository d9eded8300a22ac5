"""Imports of a CSV file in a picture: how many rows were read, and how many were there, by when."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.page.course_chart import Line, course_chart
from seawall.report.page.pictures import Picture, kind_of
from seawall.result import Result
from seawall.result.csv_import import CSV, KAFKA

_HEADING = "Rows by when"


def is_csv(result: Result) -> bool:
    """Tell whether *result* is one of imports."""
    return result.experiment == CSV


def csv_pictures(result: Result) -> Iterator[Picture]:
    """Yield the course of each import, beside that of the database's own loader."""
    lines = list(_lines(result))
    if lines:
        tells = "A line a way: how many rows of the file were in the table by when."
        yield Picture(
            _HEADING,
            course_chart(_HEADING, tells, lines, "rows", since="from the opening of the file").svg(),
            "Solid: rows in the table. Dashed: rows that were read and handed to the log; between the two is what waits"
            " there. The straight line is the database's own loader, of which only the end is known. Before its first"
            " row an import reads the file once, to know it again.",
        )


def _lines(result: Result) -> Iterator[Line]:
    for one in result.csv:
        kind = kind_of(result, one.arm)
        if one.arm == KAFKA and one.read:
            yield Line("", kind, [(moment.at_s, float(moment.done)) for moment in one.read], dashed=True)
        if one.visible:
            yield Line(one.arm, kind, [(moment.at_s, float(moment.done)) for moment in one.visible])
    if (loader := result.csv_loader) is not None and any(one.visible for one in result.csv):
        yield Line(loader.name, "arm-2", [(0.0, 0.0), (loader.seconds, float(loader.rows))])

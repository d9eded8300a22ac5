"""How a file separates its columns and lines, and which columns it has."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import NamedTuple

from contract.csv_rows import AGE, MOST_TEXT, NAME
from workers.csv_import.encodings import UNDECODABLE, Encoding
from workers.csv_import.errors import BadFile

AUTO = "auto"
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""By the names under which they may be asked for; the characters themselves will do, too."""


class Columns(NamedTuple):
    """Where a file's columns are."""

    names: tuple[str, ...]
    name_at: int
    age_at: int
    others: tuple[tuple[str, int], ...]
    """The other columns with their places."""


def newline_of(head: bytes, encoding: Encoding) -> str:
    """Return what ends a line: a line feed, or a carriage return where there are only such."""
    has = {end: encoding.newline(end) in head for end in "\r\n"}
    return "\r" if has["\r"] and not has["\n"] else "\n"


def delimiter_of(first_line: str, asked: str) -> str:
    """Return what separates columns: as *asked*, or that with which the header has the columns that it must have.

    Raises `BadFile` where *asked* is no single character, or nothing makes such a header.
    """
    asked = DELIMITERS.get(asked, asked)
    if asked != AUTO:
        if len(asked) != 1 or asked in '"\r\n\0 ':
            raise BadFile(f"the delimiter {asked!r} is none of {', '.join((AUTO, *DELIMITERS))}, nor one character")
        return asked
    for delimiter in DELIMITERS.values():
        if {NAME, AGE} <= {name.strip().lower() for name in _cells(first_line, delimiter)}:
            return delimiter
    likely = max(DELIMITERS.values(), key=first_line.count)
    raise BadFile(_lacking(_cells(first_line, likely)))


def columns_of(header: Sequence[str]) -> Columns:
    """Return the columns that *header* names, blanks around names aside; raises `BadFile`."""
    names = tuple(name.strip() for name in header)
    lower = [name.lower() for name in names]
    if not {NAME, AGE} <= set(lower):
        raise BadFile(_lacking(header))
    if twice := sorted({name for name in lower if lower.count(name) > 1}):
        raise BadFile(f"its header names columns twice: {', '.join(map(repr, twice))}; give each a name of its own")
    if not all(names) or any(len(name) > MOST_TEXT or UNDECODABLE in name or "\0" in name for name in names):
        raise BadFile("its header has a column whose name is empty, too long, or no text in this encoding")
    name_at, age_at = lower.index(NAME), lower.index(AGE)
    others = tuple((name, at) for at, name in enumerate(names) if at not in (name_at, age_at))
    return Columns(names, name_at, age_at, others)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _lacking(header: Sequence[str]) -> str:
    found = ", ".join(repr(name[:40]) for name in header[:10])
    more = ", ..." if len(header) > 10 else ""  # noqa: PLR2004 - as many as are said
    return (
        f"its first line has to name the columns {NAME!r} and {AGE!r}; it has {found or 'none'}{more}."
        " --delimiter and --encoding say how it is to be read"
    )

"""What is read of a file: rows as columns, and what is rejected; and by what a record is judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple, Self

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.csv_rows import MOST_AGE, MOST_LINE, MOST_NAME, MOST_TEXT
from workers.csv_import.dialect import Columns
from workers.csv_import.encodings import UNDECODABLE
from workers.csv_import.lines import MOST_LINE_BYTES, TOO_LONG, Position

AGE_DIGITS = len(str(MOST_AGE))
_MOST_SHOWN = 1_000
"""Characters of a rejected record."""
LONG = f"a line is longer than {MOST_LINE_BYTES:,} bytes"
_encoder = msgspec.json.Encoder()


class Reject(NamedTuple):
    """A record that is not stored."""

    first: int
    last: int
    """The lines where it begins and ends; of a quote that is not closed, only the line where it opens."""
    reason: str
    text: str
    """Its beginning."""

    @classmethod
    def of(cls, first: int, last: int, reason: str, text: str) -> Self:
        """Return that of the record *text*, without its line end."""
        return cls(first, last, reason, text.rstrip("\r\n")[:_MOST_SHOWN])


class Rows(NamedTuple):
    """Good records, in the order of their lines; columns of the same length."""

    lines: NDArray[np.int64]
    """Where each begins."""
    names: pa.Array
    ages: pa.Array
    """As texts of digits."""
    others: pa.Array
    """The other columns of each: a JSON object."""

    @classmethod
    def of(cls, rows: Sequence[tuple[int, str, int]], others: Iterable[str]) -> Self:
        """Return those of line, name and age, with a JSON object for each."""
        return cls(
            np.array([line for line, _, _ in rows], dtype=np.int64),
            pa.array([name for _, name, _ in rows], pa.string()),
            pa.array([str(age) for _, _, age in rows], pa.string()),
            pa.array(list(others), pa.string()),
        )

    @classmethod
    def none(cls) -> Self:
        """Return no rows."""
        return cls.of([], [])

    @classmethod
    def merged(cls, some: Rows, more: Rows) -> Rows:
        """Return both, in the order of lines."""
        if not len(more.lines):
            return some
        lines = np.concatenate((some.lines, more.lines))
        order = np.argsort(lines, kind="stable")
        columns = (pa.concat_arrays(pair).take(pa.array(order)) for pair in zip(some[1:], more[1:], strict=True))
        return cls(lines[order], *columns)

    def part(self, begin: int, end: int) -> Rows:
        """Return those from one up to another."""
        names, ages, others = (column.slice(begin, end - begin) for column in self[1:])
        return Rows(self.lines[begin:end], names, ages, others)


class Chunk(NamedTuple):
    """Some records that follow one another."""

    rows: Rows
    rejects: list[Reject]
    position: Position
    """Behind them."""

    @property
    def size(self) -> int:
        """How many records it holds."""
        return len(self.rows.lines) + len(self.rejects)


def objects_of(names: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a JSON object for each of *rows*, whose fields are called *names*."""
    encoded = _encoder.encode_lines(map(dict, map(zip, repeat(names), rows)))
    return encoded.decode().split("\n")[:-1]


def flaw_of(fields: Sequence[str], columns: Columns, line: int) -> str:
    """Return what is wrong with a record; empty where nothing is."""
    width = len(columns.names)
    of_text = (
        (any(TOO_LONG in field for field in fields), LONG),
        (any(UNDECODABLE in field for field in fields), "bytes that are no character of the file's encoding"),
        (len(fields) != width, f"{len(fields)} columns in place of {width}"),
        (any("\0" in field for field in fields), "a NUL character cannot be stored"),
        (line > MOST_LINE, "more lines than ids can tell apart"),
    )
    if found := next((reason for is_so, reason in of_text if is_so), ""):
        return found
    name, age = fields[columns.name_at], fields[columns.age_at].strip()
    is_age = age.isascii() and age.isdigit() and len(age) <= AGE_DIGITS and int(age) <= MOST_AGE
    of_values = (
        (not name, "name: empty"),
        (len(name) > MOST_NAME, f"name: longer than {MOST_NAME} characters"),
        (not is_age, f"age: no whole number from 0 to {MOST_AGE}"),
        *(
            (len(fields[place]) > MOST_TEXT, f"{other}: longer than {MOST_TEXT:,} characters")
            for other, place in columns.others
        ),
    )
    return next((reason for is_so, reason in of_values if is_so), "")

"""The records of a file: rows that can be stored, and what cannot be, with the lines where it stands and why.

A record is judged as a whole, so no part of a bad one is stored. Python's `csv` splits records into fields, strictly. A
quote that nothing closes would take the rest of the file with it: then the line where it opens is bad, and reading goes
on with the next one.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import msgspec

from contract.csv_rows import MOST_AGE, MOST_LINE, MOST_NAME, MOST_TEXT
from workers.csv_import import dialect, encodings
from workers.csv_import.encodings import UNDECODABLE, encoding_of
from workers.csv_import.errors import BadFile
from workers.csv_import.lines import MOST_LINE_BYTES, TOO_LONG, Lines, Position

Row = tuple[int, str, int, bytes]
"""Line, name, age, and the other columns as a JSON object."""
_HEAD_BYTES = 1 << 18
_MOST_HELD = 4 * MOST_LINE_BYTES
"""Characters in one record."""
_MOST_CHUNK, _MOST_SHOWN = 1 << 20, 1_000
"""Characters in one chunk, and of a rejected record."""
_AGE_DIGITS = len(str(MOST_AGE))
_UNCLOSED = ("unexpected end of data", "field larger than field limit")
"""What `csv` says where a quote is not closed: at the file's end, or after so much that nobody meant it."""


class Reject(NamedTuple):
    """A record that is not stored."""

    first: int
    last: int
    """The lines where it begins and ends; of a quote that is not closed, only the line where it opens."""
    reason: str
    text: str


class Chunk(NamedTuple):
    """Some records that follow one another."""

    rows: list[Row]
    rejects: list[Reject]
    position: Position
    """Behind them."""


class _Runaway(Exception):
    """A record holds more than any should."""


class CsvFile:
    """An open file, its encoding, its delimiter and its columns. Use as a context manager."""

    def __init__(self, path: Path, *, encoding: str = encodings.AUTO, delimiter: str = dialect.AUTO) -> None:
        """Open it and read its header; raises `BadFile`."""
        self._file = _opened(path)
        try:
            self._after_header = self._begun(encoding, delimiter)
        except BadFile as error:
            self.close()
            raise BadFile(f"{path}: {error}") from None
        except BaseException:
            self.close()
            raise
        self.read_as = f"{self._encoding.codec}, delimiter {self.delimiter!r}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def form(self) -> dict[str, Any]:
        """Return how the file is read, for whoever reads it again."""
        return {
            "read_as": self.read_as,
            "codec": self._encoding.codec,
            "mark_bytes": self._encoding.mark_bytes,
            "newline": self._lines.newline,
            "delimiter": self.delimiter,
            "columns": self.columns.names,
        }

    def chunks(self, at: Position | None = None, *, most: int = 1_000) -> Iterator[Chunk]:
        """Yield the records from *at* on, or those behind the header, at most so many at a time."""
        records = Records(Lines(self._file, self._encoding, self._lines.newline), self.delimiter)
        yield from records.chunks(self.columns, at or self._after_header, most)

    def _begun(self, encoding: str, delimiter: str) -> Position:
        """Find out how the file is to be read; return the position behind its header."""
        head = self._file.read(_HEAD_BYTES)
        if not head:
            raise BadFile("it is empty")
        self._encoding = encoding_of(head, encoding)
        self._lines = Lines(self._file, self._encoding, dialect.newline_of(head, self._encoding))
        first = next(self._lines.lines(self._lines.begin()), "")
        if TOO_LONG in first:
            raise BadFile(f"its first line is longer than {MOST_LINE_BYTES:,} bytes, so it is no header")
        self.delimiter = dialect.delimiter_of(first, delimiter)
        records = Records(Lines(self._file, self._encoding, self._lines.newline), self.delimiter)
        header, position = records.header(self._lines.begin())
        self.columns = dialect.columns_of(header)
        if not any(True for chunk in self.chunks(position, most=1) if chunk.rows or chunk.rejects):
            raise BadFile("it holds no row below its header")
        return position


class Records:
    """Splits lines into records and judges them."""

    def __init__(self, lines: Lines, delimiter: str) -> None:
        self._lines, self._delimiter = lines, delimiter
        self._source: Iterator[str] = iter(())
        self._again: deque[str] = deque()
        """Lines that were read and are to be read again."""
        self._pulled: list[str] = []
        """The lines of the record that is being read."""
        self._held = 0

    def header(self, at: Position) -> tuple[list[str], Position]:
        """Return the fields of the first line that is not blank, and the position behind it; raises `BadFile`."""
        self._source = self._lines.lines(at)
        line = at.line
        try:
            for fields in self._reader():
                line += len(self._pulled)
                self._forget()
                if fields:
                    return fields, self._lines.position(line)
        except (csv.Error, _Runaway) as error:
            raise BadFile(f"its header cannot be read: {error}") from None
        raise BadFile("it holds nothing but blank lines")

    def chunks(self, columns: dialect.Columns, at: Position, most: int) -> Iterator[Chunk]:
        """Yield records from *at* on, *most* at a time; blank lines are none."""
        rows: list[Row] = []
        rejects: list[Reject] = []
        line, size = at.line, 0
        for first, count, found in self._judged(columns, at):
            line, size = first + count, size + self._held
            if isinstance(found, str):
                rejects.append(Reject(first, line - 1, found, "".join(self._pulled[:count])[:_MOST_SHOWN]))
            else:
                rows.append(found)
            if len(rows) + len(rejects) >= most or size > _MOST_CHUNK:
                yield Chunk(rows, rejects, self._lines.position(line))
                rows, rejects, size = [], [], 0
        if rows or rejects:
            yield Chunk(rows, rejects, self._lines.position(line))

    def _judged(self, columns: dialect.Columns, at: Position) -> Iterator[tuple[int, int, Row | str]]:
        """Yield of each record its first line, how many lines it has, and its row, or why it is none.

        This is where the time goes, so it is one loop.
        """
        self._source, line, lines = self._lines.lines(at), at.line, self._lines
        names = [name for name, _ in columns.others]
        places = [place for _, place in columns.others]
        width, name_at, age_at = len(columns.names), columns.name_at, columns.age_at
        encode, pulled = msgspec.json.Encoder().encode, self._pulled
        reader, is_careful = self._reader(), False
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except (csv.Error, _Runaway) as error:
                count, reason = self._recover(error)
                yield line, count, reason
                line += count
                self._again.extendleft(reversed(pulled[count:]))
                self._forget()
                reader, is_careful = self._reader(), True  # what the lines say of themselves may be of later ones now
                continue
            count = len(pulled)
            if fields:
                name, age = (fields[name_at], fields[age_at].strip()) if len(fields) == width else ("", "")
                years = int(age) if age.isdigit() and age.isascii() and len(age) <= _AGE_DIGITS else -1
                if (
                    not 0 <= years <= MOST_AGE
                    or not 0 < len(name) <= MOST_NAME
                    or self._held > MOST_TEXT
                    or lines.suspicious
                    or is_careful
                    or line > MOST_LINE
                ) and (reason := _flaw(fields, columns, line)):
                    yield line, count, reason
                else:
                    more = encode(dict(zip(names, [fields[place] for place in places], strict=True)))
                    yield line, count, (line, name, years, more)
            line += count
            pulled.clear()
            self._held = 0

    def _recover(self, error: Exception) -> tuple[int, str]:
        """Return how many lines are bad, and why."""
        if isinstance(error, _Runaway) or str(error).startswith(_UNCLOSED):
            if any(TOO_LONG in line for line in self._pulled[:1]):
                return 1, _LONG
            return 1, "a quote is opened and not closed, or a field is longer than 131,072 characters"
        return max(len(self._pulled), 1), f"quotes or line ends are not as they should be: {error}"

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._feed(), delimiter=self._delimiter, strict=True)

    def _feed(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else next(self._source, None)
            if line is None:
                return
            self._pulled.append(line)
            self._held += len(line)
            if self._held > _MOST_HELD:
                raise _Runaway
            yield line

    def _forget(self) -> None:
        self._pulled.clear()
        self._held = 0


_LONG = f"a line is longer than {MOST_LINE_BYTES:,} bytes"


def _flaw(fields: list[str], columns: dialect.Columns, line: int) -> str:
    """Return what is wrong with a record; empty where nothing is."""
    width = len(columns.names)
    of_text = (
        (any(TOO_LONG in field for field in fields), _LONG),
        (any(UNDECODABLE in field for field in fields), "bytes that are no character of the file's encoding"),
        (len(fields) != width, f"{len(fields)} columns in place of {width}"),
        (any("\0" in field for field in fields), "a NUL character cannot be stored"),
        (line > MOST_LINE, "more lines than ids can tell apart"),
    )
    if found := next((reason for is_so, reason in of_text if is_so), ""):
        return found
    name, age = fields[columns.name_at], fields[columns.age_at].strip()
    is_age = age.isascii() and age.isdigit() and len(age) <= _AGE_DIGITS and int(age) <= MOST_AGE
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


def _opened(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise BadFile(f"{path} is a directory: name one file")
        return path.open("rb", buffering=0)
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror or error}") from None

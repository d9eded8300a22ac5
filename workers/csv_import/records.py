"""The records of a file: rows that can be stored, and what cannot be, with the lines where it stands and why.

A record is judged as a whole, so no part of a bad one is stored. Python's `csv` splits records into fields, strictly. A
quote that nothing closes would take the rest of the file with it: then the line where it opens is bad, and reading goes
on with the next one.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import msgspec

from contract.csv_rows import MOST_AGE, MOST_LINE, MOST_NAME, MOST_TEXT
from workers.csv_import import dialect, encodings
from workers.csv_import.encodings import UNDECODABLE, encoding_of
from workers.csv_import.errors import BadFile
from workers.csv_import.lines import MOST_LINE_BYTES, TOO_LONG, Lines, Position

Row = tuple[int, str, int]
"""Line, name and age."""
_HEAD_BYTES = 1 << 18
_MOST_HELD = 4 * MOST_LINE_BYTES
"""Characters in one record."""
_MOST_CHUNK, _MOST_SHOWN = 1 << 20, 1_000
"""Characters in one chunk, and of a rejected record."""
_AGE_DIGITS = len(str(MOST_AGE))
_AGES = {str(age): age for age in range(MOST_AGE + 1)}
"""As they are mostly written."""
_encoder = msgspec.json.Encoder()
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
    others: bytes
    """The other columns of each row: a JSON object and a line feed."""
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
        first = next(chain.from_iterable(self._lines.lists(self._lines.begin())), "")
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

    def header(self, at: Position) -> tuple[list[str], Position]:
        """Return the fields of the first line that is not blank, and the position behind it; raises `BadFile`."""
        reader = self._reader(Window(self._lines.lists(at), at.line), at.line)
        try:
            for fields in reader:
                if fields:
                    return fields, self._lines.position(at.line + reader.line_num)
        except (csv.Error, _Runaway) as error:
            raise BadFile(f"its header cannot be read: {error}") from None
        raise BadFile("it holds nothing but blank lines")

    def chunks(self, columns: dialect.Columns, at: Position, most: int) -> Iterator[Chunk]:
        """Yield records from *at* on, *most* at a time; blank lines are none.

        This is where the time of an import goes, so it is one loop, and what can be left to C is.
        """
        lines, window, line = self._lines, Window(self._lines.lists(at), at.line), at.line
        width, name_at, age_at = len(columns.names), columns.name_at, columns.age_at
        names, others_of = [name for name, _ in columns.others], _picker([place for _, place in columns.others])
        found, begun, reader, careful = _Found(names, others_of), 0, self._reader(window, line), False
        while True:
            base = line - reader.line_num
            try:
                for fields in reader:
                    end = base + reader.line_num
                    years = _AGES.get(fields[age_at]) if len(fields) == width else None
                    if (
                        years is not None
                        and 0 < len(fields[name_at]) <= MOST_NAME
                        and not (lines.suspicious or careful or line > MOST_LINE)
                        and (end - line == 1 or sum(map(len, fields)) <= MOST_TEXT)
                    ):
                        found.rows.append((line, fields[name_at], years))
                        found.others.append(others_of(fields))
                    elif fields:
                        found.judge(fields, columns, line, end, window)
                    line = window.record = end
                    if len(found) >= most or window.characters - begun > _MOST_CHUNK:
                        yield found.chunk(lines.position(line))
                        found, begun = _Found(names, others_of), window.characters
            except (csv.Error, _Runaway) as error:
                count, reason = _recover(error, window.text(line, base + reader.line_num - line))
                found.reject(line, line + count - 1, reason, window)
                line = window.record = line + count
                # what the lines say of themselves may be of later ones from now on
                reader, careful = self._reader(window, line), True
                if len(found) >= most:
                    yield found.chunk(lines.position(line))
                    found, begun = _Found(names, others_of), window.characters
            else:
                break
        if len(found):
            yield found.chunk(lines.position(line))

    def _reader(self, window: Window, line: int) -> Any:
        return csv.reader(chain.from_iterable(window.lists(line)), delimiter=self._delimiter, strict=True)


class Window:
    """The lines of a file in lists, back to where the record begins that is being read."""

    def __init__(self, lists: Iterator[list[str]], line: int) -> None:
        """*lists* begin with that *line*."""
        self._lists, self._next = lists, line
        self._held: deque[_Held] = deque()
        self.record = line
        """Where the record begins that is being read: kept up to date by whoever reads."""
        self.characters = 0
        """Of all lines that were handed out, once each."""

    def lists(self, line: int) -> Iterator[list[str]]:
        """Yield the lines from one on that is held, and then those that follow; raises `_Runaway`."""
        for held in list(self._held):
            if held.end > line:
                yield held.lines[max(line - held.first, 0) :]
        for found in self._lists:
            while self._held and self._held[0].end <= self.record:
                self._held.popleft()
            held = _Held(self._next, self._next + len(found), sum(map(len, found)), found)
            self._held.append(held)
            self._next = held.end
            self.characters += held.characters
            if self.record < held.first and sum(one.characters for one in self._held) > _MOST_HELD:
                raise _Runaway
            yield found

    def text(self, first: int, count: int) -> list[str]:
        """Return so many lines from one on that is held, or as many as are."""
        found: list[str] = []
        for held in self._held:
            if held.first < first + count and held.end > first:
                found += held.lines[max(first - held.first, 0) : first + count - held.first]
        return found


class _Held(NamedTuple):
    """Some lines."""

    first: int
    end: int
    """The number of the line behind them."""
    characters: int
    lines: list[str]


class _Found:
    """What goes into the next chunk."""

    def __init__(self, names: list[str], others_of: Callable[[list[str]], tuple[str, ...]]) -> None:
        self._names, self._others_of = names, others_of
        self.rows: list[Row] = []
        self.others: list[tuple[str, ...]] = []
        self.rejects: list[Reject] = []

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejects)

    def judge(self, fields: list[str], columns: dialect.Columns, line: int, end: int, window: Window) -> None:
        """Take a record that has to be looked at closely, from its *line* up to the one at *end*."""
        if reason := _flaw(fields, columns, line):
            self.reject(line, end - 1, reason, window)
        else:
            self.rows.append((line, fields[columns.name_at], int(fields[columns.age_at])))
            self.others.append(self._others_of(fields))

    def reject(self, first: int, last: int, reason: str, window: Window) -> None:
        text = "".join(window.text(first, last + 1 - first))
        self.rejects.append(Reject(first, last, reason, text[:_MOST_SHOWN]))

    def chunk(self, position: Position) -> Chunk:
        others = _encoder.encode_lines(map(dict, map(zip, repeat(self._names), self.others)))
        return Chunk(self.rows, others, self.rejects, position)


def _picker(places: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    """Return what takes the fields at *places*."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda fields: tuple(fields[place] for place in places)


def _recover(error: Exception, pulled: list[str]) -> tuple[int, str]:
    """Return how many of the lines that were *pulled* are bad, and why."""
    if isinstance(error, _Runaway) or str(error).startswith(_UNCLOSED):
        if any(TOO_LONG in line for line in pulled[:1]):
            return 1, _LONG
        return 1, "a quote is opened and not closed, or a field is longer than 131,072 characters"
    return max(len(pulled), 1), f"quotes or line ends are not as they should be: {error}"


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

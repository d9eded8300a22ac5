"""The records of a file: rows that can be stored, and what cannot be, with the lines where it stands and why.

A record is judged as a whole, so no part of a bad one is stored. Pieces whose quotes are as they should be are read as
columns (`workers.csv_import.columnar`). In others Python's `csv` splits records into fields, strictly, one by one. A
quote that nothing closes would take the rest of the file with it: then the line where it opens is bad, and reading goes
on with the next one.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np

from workers.csv_import import dialect, encodings
from workers.csv_import.chunks import LONG, Chunk, Reject, Rows, flaw_of, objects_of
from workers.csv_import.columnar import Columnar, Piece
from workers.csv_import.encodings import UNDECODABLE, encoding_of
from workers.csv_import.errors import BadFile
from workers.csv_import.lines import MOST_LINE_BYTES, MOST_RECORD_BYTES, TOO_LONG, Lines, Position

_HEAD_BYTES = 1 << 18
_MOST_CHUNK = 1 << 20
"""Characters in one chunk."""
_UNCLOSED = ("unexpected end of data", "field larger than field limit")
"""What `csv` says where a quote is not closed: at the file's end, or after so much that nobody meant it."""


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
        if not any(chunk.size for chunk in self.chunks(position, most=1)):
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
        """Yield records from *at* on, *most* at a time; blank lines are none."""
        place: Position | None = at
        while place is not None:
            until = None
            if self._lines.newline == "\n" and self._delimiter.isascii():
                pieces = _Pieces(self._lines, Columnar(columns, self._delimiter), place)
                yield from pieces.chunks(most)
                if pieces.over:
                    return
                place, until = pieces.place, pieces.until
            place = yield from self._one_by_one(columns, place, until, most)

    def _one_by_one(
        self, columns: dialect.Columns, at: Position, until: int | None, most: int
    ) -> Generator[Chunk, None, Position | None]:
        """Yield records from *at* up to the one that begins at line *until* or later, and return where that is.

        None where the file ends before. This is the one loop in which time is spent record by record.
        """
        lines, window, line = self._lines, Window(self._lines.lists(at), at.line), at.line
        found, begun, reader = _Found(columns), 0, self._reader(window, line)
        while True:
            base = line - reader.line_num
            try:
                for fields in reader:
                    end = base + reader.line_num
                    if fields:
                        found.judge(fields, line, end, window)
                    line = window.record = end
                    if len(found) >= most or window.characters - begun > _MOST_CHUNK:
                        yield found.chunk(lines.position(line))
                        found, begun = _Found(columns), window.characters
                    if until is not None and line >= until:
                        break
            except (csv.Error, _Runaway) as error:
                count, reason = _recover(error, window.text(line, base + reader.line_num - line))
                found.reject(line, line + count - 1, reason, window)
                line = window.record = line + count
                reader = self._reader(window, line)
                if len(found) >= most:
                    yield found.chunk(lines.position(line))
                    found, begun = _Found(columns), window.characters
                if until is None or line < until:
                    continue
            break
        if len(found):
            yield found.chunk(lines.position(line))
        return lines.position(line) if until is not None and line >= until else None

    def _reader(self, window: Window, line: int) -> Any:
        return csv.reader(chain.from_iterable(window.lists(line)), delimiter=self._delimiter, strict=True)


class _Pieces:
    """Reads pieces of a file as columns, one after the other, as long as that can be done."""

    def __init__(self, lines: Lines, columnar: Columnar, at: Position) -> None:
        self._lines, self._columnar = lines, columnar
        self.place = at
        """Where reading goes on: where the first record begins that was not read."""
        self.until: int | None = None
        """Up to this line records have to be read one by one; None says to the end."""
        self.over = False
        """Whether the file was read to its end."""

    def chunks(self, most: int) -> Iterator[Chunk]:
        """Yield records until a piece cannot be read so, *most* at a time."""
        number, rest = self.place.offset_line, b""
        for offset, text in self._lines.texts(self.place.offset):
            first, number = number, number + text.count("\n") + (not text.endswith("\n"))
            if number <= self.place.line:
                continue
            if "\0" in text or UNDECODABLE in text or TOO_LONG in text:
                self._leave(offset, first, number, within=not rest)
                return
            begin = self.place.line - first if not rest else 0
            data = rest + _from_line(text, max(begin, 0)).encode() + (b"" if text.endswith("\n") else b"\n")
            piece = self._columnar.piece(data, self.place.line)
            if piece is None or len(data) - piece.size > MOST_RECORD_BYTES:
                self._leave(offset, first, number, within=not rest)
                return
            for chunk in _cut(piece, Position(offset, first, self.place.line), most):
                self.place = chunk.position
                yield chunk
            rest = data[piece.size :]
            if piece.size:
                self.place = Position(offset, first, piece.next_line)
        self.over = not rest

    def _leave(self, offset: int, first: int, number: int, *, within: bool) -> None:
        if within:
            self.place = Position(offset, first, self.place.line)
        self.until = number


def _from_line(text: str, count: int) -> str:
    """Return what follows the first *count* lines."""
    return text.split("\n", count)[count] if count else text


def _cut(piece: Piece, place: Position, most: int) -> Iterator[Chunk]:
    """Yield the records of a piece that lies at *place*, at most so many at a time."""
    lines, rejects = piece.rows.lines, deque(piece.rejects)
    firsts = np.sort(np.concatenate((lines, [one.first for one in rejects]))) if rejects else lines
    begin = 0
    for at in range(most, len(firsts) + most, most):
        upto = int(firsts[at]) if at < len(firsts) else piece.next_line
        end, before = int(np.searchsorted(lines, upto)), []
        while rejects and rejects[0].first < upto:
            before.append(rejects.popleft())
        yield Chunk(piece.rows.part(begin, end), before, place._replace(line=upto))
        begin = end


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
            if self.record < held.first and sum(one.characters for one in self._held) > MOST_RECORD_BYTES:
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

    def __init__(self, columns: dialect.Columns) -> None:
        self._columns = columns
        self._rows: list[tuple[int, str, int]] = []
        self._others: list[list[str]] = []
        self._rejects: list[Reject] = []

    def __len__(self) -> int:
        return len(self._rows) + len(self._rejects)

    def judge(self, fields: list[str], line: int, end: int, window: Window) -> None:
        """Take a record, from its *line* up to the one at *end*."""
        if reason := flaw_of(fields, self._columns, line):
            self.reject(line, end - 1, reason, window)
        else:
            self._rows.append((line, fields[self._columns.name_at], int(fields[self._columns.age_at])))
            self._others.append([fields[place] for _, place in self._columns.others])

    def reject(self, first: int, last: int, reason: str, window: Window) -> None:
        text = "".join(window.text(first, last + 1 - first))
        self._rejects.append(Reject.of(first, last, reason, text))

    def chunk(self, position: Position) -> Chunk:
        objects = objects_of([name for name, _ in self._columns.others], self._others)
        return Chunk(Rows.of(self._rows, objects), self._rejects, position)


def _recover(error: Exception, pulled: list[str]) -> tuple[int, str]:
    """Return how many of the lines that were *pulled* are bad, and why."""
    if isinstance(error, _Runaway) or str(error).startswith(_UNCLOSED):
        if any(TOO_LONG in line for line in pulled[:1]):
            return 1, LONG
        return 1, "a quote is opened and not closed, or a field is longer than 131,072 characters"
    return max(len(pulled), 1), f"quotes or line ends are not as they should be: {error}"


def _opened(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise BadFile(f"{path} is a directory: name one file")
        return path.open("rb", buffering=0)
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror or error}") from None

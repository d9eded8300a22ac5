"""The lines of a file with their numbers, in constant memory, from any place on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from workers.csv_import.encodings import Encoding

TOO_LONG = "\udcfe"
"""Stands for a line that was longer than `MOST_LINE_BYTES`; no decoded text holds it."""
MOST_LINE_BYTES = 1 << 20
MOST_RECORD_BYTES = 4 * MOST_LINE_BYTES
"""A record is not longer: what begins one did not mean it."""


class Position(NamedTuple):
    """Where reading goes on."""

    offset: int
    """A byte at which a line begins,"""
    offset_line: int
    """the number of that line,"""
    line: int
    """and the number of the line that comes next, which is that one or a later one."""


class Lines:
    """Yields lines with their ends; a piece of the file, and one line, are held at a time."""

    piece_bytes = 1 << 18

    def __init__(self, file: BinaryIO, encoding: Encoding, newline: str) -> None:
        self._file, self._encoding = file, encoding
        self.newline, self._end = newline, encoding.newline(newline)
        self._pieces: deque[tuple[int, int]] = deque()

    def begin(self) -> Position:
        """Return where the first line begins."""
        return Position(self._encoding.mark_bytes, 1, 1)

    def position(self, line: int) -> Position:
        """Return where to go on so that *line*, read already, comes next."""
        while len(self._pieces) > 1 and self._pieces[1][1] <= line:
            self._pieces.popleft()
        return Position(*self._pieces[0], line) if self._pieces else Position(self._encoding.mark_bytes, 1, line)

    def lists(self, at: Position) -> Iterator[list[str]]:
        """Yield the lines from *at* on, a piece of the file at a time."""
        number, skipped = at.offset_line, at.line - at.offset_line
        self._pieces.clear()
        for offset, text in self.texts(at.offset):
            self._pieces.append((offset, number))
            found = _split(text, self.newline)
            number += len(found)
            if skipped:
                found, skipped = found[skipped:], max(skipped - len(found), 0)
            yield found

    def texts(self, offset: int) -> Iterator[tuple[int, str]]:
        """Yield pieces of whole lines, each with the byte where it begins; one too long is its marker."""
        self._file.seek(offset)
        rest = b""
        while piece := self._file.read(self.piece_bytes):
            data = rest + piece if rest else piece
            cut = self._last_end(data)
            if cut:
                yield offset, self._encoding.decode(data[:cut])
                offset, rest = offset + cut, data[cut:]
            else:
                rest = data
            if len(rest) > MOST_LINE_BYTES:
                size, rest = self._skipped(rest)
                yield offset, TOO_LONG + self.newline
                offset += size
        if rest:
            yield offset, self._encoding.decode(rest)

    def _skipped(self, rest: bytes) -> tuple[int, bytes]:
        """Read to the end of a line; return its size, and what follows it."""
        size = len(rest) - len(rest) % self._encoding.unit
        tail = rest[size:]
        while piece := self._file.read(self.piece_bytes):
            data = tail + piece
            cut = self._first_end(data)
            if cut:
                return size + cut, data[cut:]
            whole = len(data) - len(data) % self._encoding.unit
            size, tail = size + whole, data[whole:]
        return size + len(tail), b""

    def _last_end(self, data: bytes) -> int:
        """Return the index behind the last line's end, or 0."""
        at = data.rfind(self._end)
        while at >= 0 and at % self._encoding.unit:
            at = data.rfind(self._end, 0, at + len(self._end) - 1)
        return at + len(self._end) if at >= 0 else 0

    def _first_end(self, data: bytes) -> int:
        at = data.find(self._end)
        while at >= 0 and at % self._encoding.unit:
            at = data.find(self._end, at + 1)
        return at + len(self._end) if at >= 0 else 0


def _split(text: str, newline: str) -> list[str]:
    """Return the lines of *text* with their ends; `str.splitlines` would end them at other characters as well."""
    found = [line + newline for line in text.split(newline)]
    last = found.pop()[: -len(newline)]
    if last:
        found.append(last)
    return found

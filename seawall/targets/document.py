"""A TOML text with the place of everything in it: `tomllib` says what it holds, this module where it stands."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from seawall.targets.errors import BadTargets, Mistake

Path = tuple[str | int, ...]
"""The keys and indices that lead to a value, as in ``("always", 0, "limit")``."""


class Position(NamedTuple):
    """A character of a text; both count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """What a TOML text holds, and where."""

    source_name: str
    data: dict[str, Any]
    keys: dict[Path, Position]
    values: dict[Path, Position]

    def key(self, path: Path) -> Position:
        """Return where the key of *path* begins, or its table, where that is all that can be told."""
        return self._nearest(self.keys, path)

    def value(self, path: Path) -> Position:
        """Return where the value of *path* begins; of a table with a header that is the header."""
        return self._nearest(self.values, path)

    def _nearest(self, places: dict[Path, Position], path: Path) -> Position:
        if path in places:
            return places[path]
        return self._nearest(self.values, path[:-1]) if path else Position(1, 1)


def read_document(text: str, source_name: str) -> Document:
    """Read *text*; raises `BadTargets` with the place where it stops being TOML."""
    # tomllib reads line ends so, and refuses the mark that some editors put first.
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        data = tomllib.loads(plain)
        places = _Scanner(plain).places()
    except RecursionError:
        raise BadTargets(source_name, [Mistake(1, 1, "nests too deeply")]) from None
    except ValueError as error:  # with TOMLDecodeError that of int(), which refuses thousands of digits
        raise BadTargets(source_name, [_syntax_mistake(str(error), plain)]) from None
    return Document(source_name, data, *places)


_WHERE = re.compile(r"(?P<text>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)


def _syntax_mistake(said: str, text: str) -> Mistake:
    found = _WHERE.fullmatch(said)
    if found is None:
        return Mistake(1, 1, f"is not TOML: {said}")
    if found["line"]:
        return Mistake(int(found["line"]), int(found["column"]), f"is not TOML: {found['text']}")
    end = Position(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)
    return Mistake(*end, f"is not TOML: {found['text']}, and the file ends here")


_SPACE = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"{3}(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'  # up to two quotes may stand before the three that end it
    r"|'{3}(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]+")


class _Lost(Exception):
    """TOML that tomllib reads and this scanner does not."""


@dataclass
class _Scanner:
    """Walks through a text that is known to be TOML and notes where keys and values begin."""

    text: str
    at: int = 0
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    lengths: dict[Path, int] = field(default_factory=dict)
    """How many tables each array of tables has so far."""

    def __post_init__(self) -> None:
        self.line_starts = [0, *(found.end() for found in re.finditer("\n", self.text))]

    def places(self) -> tuple[dict[Path, Position], dict[Path, Position]]:
        """Return the places of all keys and of all values; rather none than wrong ones."""
        try:
            self._scan()
        except _Lost:
            return {}, {}
        return self.keys, self.values

    def _scan(self) -> None:
        table: Path = ()
        self._skip(_BETWEEN)
        while self.at < len(self.text):
            if self._sees("["):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BETWEEN)

    def _header(self) -> Path:
        begin = self.at
        is_array = self.text.startswith("[[", begin)
        self.at += 2 if is_array else 1
        path: Path = ()
        for part in self._dotted_key():
            if path in self.lengths:  # a header goes on in the last table of an array
                path = (*path, self.lengths[path] - 1)
            path = (*path, part)
            self._note(path, begin, begin)
        if is_array:
            self.lengths[path] = self.lengths.get(path, 0) + 1
            path = (*path, self.lengths[path] - 1)
            self._note(path, begin, begin)
        elif path in self.lengths:
            path = (*path, self.lengths[path] - 1)
        self.at += 2 if is_array else 1
        # `[a.b]` may come before `[a]`: each table's place is its own header.
        self.keys[path] = self.values[path] = self._position(begin)
        return path

    def _pair(self, table: Path) -> None:
        begin = self.at
        parts = self._dotted_key()
        self.at += 1  # =
        self._skip(_SPACE)
        path = table
        for part in parts:
            path = (*path, part)
            self._note(path, begin, begin if len(path) < len(table) + len(parts) else self.at)
        self._value(path)

    def _dotted_key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            raw = self._take(_KEY)
            parts.append(next(iter(tomllib.loads(f"{raw}=0"))) if raw[0] in "\"'" else raw)
            self._skip(_SPACE)
            if not self._sees("."):
                return parts
            self.at += 1

    def _value(self, path: Path) -> None:
        self._note(path, self.at, self.at)
        if self._sees("["):
            self._array(path)
        elif self._sees("{"):
            self._inline_table(path)
        elif self._sees('"') or self._sees("'"):
            self._take(_STRING)
        else:
            self._take(_BARE)

    def _array(self, path: Path) -> None:
        self.at += 1
        self._skip(_BETWEEN)
        index = 0
        while not self._sees("]"):
            self._value((*path, index))
            index += 1
            self._skip_separator()
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        self._skip(_BETWEEN)
        while not self._sees("}"):
            self._pair(path)
            self._skip_separator()
        self.at += 1

    def _skip_separator(self) -> None:
        self._skip(_BETWEEN)
        if self._sees(","):
            self.at += 1
            self._skip(_BETWEEN)

    def _note(self, path: Path, key: int, value: int) -> None:
        self.keys.setdefault(path, self._position(key))
        self.values.setdefault(path, self._position(value))

    def _position(self, offset: int) -> Position:
        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1)

    def _sees(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        assert found is not None  # both patterns match the empty text
        self.at = found.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _Lost
        self.at = found.end()
        return found.group()

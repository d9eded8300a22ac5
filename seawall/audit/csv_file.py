"""Whether a file's rows are in the table: each good one once, as it stands in the file, each bad one in the rejects.

File, table and reject file are walked side by side, in the order of lines and in constant memory. What is stored or
rejected at a line says only where a record begins; what stands there is read from the file anew, by Python's own text
files and `csv`, and judged here, without the importer.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from contract.connections import Connections
from contract.csv_rows import AGE, MOST_AGE, MOST_NAME, MOST_TEXT, NAME, line_of
from contract.engine import engine_of
from contract.tables import csv_rows
from seawall.audit.errors import AuditFailed

_FETCHED = 5_000
_WITHIN_S = 24 * 3600.0
"""The rows are read while the file is walked."""
_MOST_LINE = 1 << 20
"""Bytes of a line."""
_UNDECODABLE = "\udcff"
_HANDLER = "seawall-audit-csv"
_FIRST, _LAST = 0, 1


class CsvForm(NamedTuple):
    """How the importer says that it read the file."""

    codec: str
    mark_bytes: int
    newline: str
    delimiter: str
    columns: tuple[str, ...]


@dataclass
class CsvAudit:
    """What was found; each figure as in `CsvFinding`."""

    in_table: int = 0
    in_rejects: int = 0
    lost: int = 0
    unreported: int = 0
    corrupted: int = 0
    phantom: int = 0
    doubled: int = 0
    wrongly_rejected: int = 0
    examples: list[str] = field(default_factory=list)
    """The first few places where something is wrong."""

    def note(self, what: str, line: int) -> None:
        """Count one thing that is wrong at a *line*."""
        setattr(self, what, getattr(self, what) + 1)
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"line {line:,}: {what.replace('_', ' ')}")

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (
            self.lost or self.unreported or self.corrupted or self.phantom or self.doubled or self.wrongly_rejected
        )


_EXAMPLES = 5


class _Item(NamedTuple):
    line: int
    last: int
    """Of a rejected record; 0 for a stored one."""
    row: tuple[str, int, dict[str, str]] | None


def audit_csv(connections: Connections, path: Path, span: tuple[UUID, UUID], rejects: Path, form: CsvForm) -> CsvAudit:
    """Hold the table's rows between the ids of *span* and the reject file against the file.

    Raises `AuditFailed` where one of them cannot be read.
    """
    found = CsvAudit()
    try:
        with engine_of(connections, within_s=_WITHIN_S).connect() as connection:
            stored = _stored(connection, span, found)
            items = _merged(stored, _rejected(rejects, found))
            _walk(path, form, items, found)
    except sa.exc.DBAPIError as error:
        raise AuditFailed(f"the imported rows cannot be read: {str(error.orig).strip()}") from None
    except OSError as error:
        raise AuditFailed(f"{error.filename or path}: {error.strerror or error}") from None
    return found


def _stored(connection: sa.Connection, span: tuple[UUID, UUID], found: CsvAudit) -> Iterator[_Item]:
    rows = sa.select(csv_rows).where(csv_rows.c.id.between(*span)).order_by(csv_rows.c.id)
    for part in connection.execution_options(stream_results=True, yield_per=_FETCHED).execute(rows).partitions():
        for identity, name, age, more in part:
            found.in_table += 1
            yield _Item(line_of(identity), 0, (name, age, more))


def _rejected(path: Path, found: CsvAudit) -> Iterator[_Item]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in itertools.islice(csv.reader(file), 1, None):
            found.in_rejects += 1
            yield _Item(int(row[_FIRST]), int(row[_LAST]), None)


def _merged(stored: Iterable[_Item], rejected: Iterable[_Item]) -> Iterator[_Item]:
    """Yield both in the order of lines; each is in that order itself."""
    left, right = iter(stored), iter(rejected)
    one, other = next(left, None), next(right, None)
    while one or other:
        if other is None or (one is not None and one.line <= other.line):
            assert one is not None
            yield one
            one = next(left, None)
        else:
            yield other
            other = next(right, None)


def _walk(path: Path, form: CsvForm, items: Iterator[_Item], found: CsvAudit) -> None:
    judge = _Judge(form)
    with path.open("rb") as raw:
        raw.seek(form.mark_bytes)
        codecs.register_error(_HANDLER, _mark)
        text = io.TextIOWrapper(raw, encoding=form.codec, errors=_HANDLER, newline=form.newline)
        lines = _Lines(text, form.newline)
        item = next(items, None)
        before = judge.records(lines, item.line if item else None)
        next(before, None)  # the header is the first record, and no row; whatever else comes is missing
        judge.note_missing(before, 1, found)
        while item is not None:
            following = next(items, None)
            if following is not None and following.line <= item.line:
                found.note("doubled", item.line)
            else:
                _hold(item, lines, following.line if following else None, judge, found)
            item = following


def _hold(item: _Item, lines: _Lines, end: int | None, judge: _Judge, found: CsvAudit) -> None:
    """Hold one item against the lines from its own to the next one's, *end*."""
    if item.row is None:
        if any([one.good for one in judge.records(lines, item.last + 1)]):  # noqa: C419 - all of them are to be read
            found.note("wrongly_rejected", item.line)
            found.lost += 1
        judge.note_missing(judge.records(lines, end), item.line, found)
        return
    records = judge.records(lines, end)
    first = next(records, None)
    if first is None:
        found.note("phantom", item.line)
    elif not judge.is_row(first.fields, item.row):
        found.note("corrupted", item.line)
    judge.note_missing(records, item.line, found)


class _Record(NamedTuple):
    fields: list[str]
    """None where it cannot be split."""
    good: bool


class _Judge:
    """Splits lines into records, and tells the good ones."""

    def __init__(self, form: CsvForm) -> None:
        lower = [name.lower() for name in form.columns]
        self._delimiter, self._width = form.delimiter, len(form.columns)
        self._name, self._age = lower.index(NAME), lower.index(AGE)
        self._others = [(name, at) for at, name in enumerate(form.columns) if at not in (self._name, self._age)]

    def records(self, lines: _Lines, end: int | None) -> Iterator[_Record]:
        """Yield the records before line *end*, or all that are left; from where they cannot be split on, a bad one."""
        try:
            for fields in csv.reader(lines.until(end), delimiter=self._delimiter, strict=True):
                if fields:
                    yield _Record(fields, self._is_good(fields))
        except csv.Error:
            yield _Record([], good=False)
        for _ in lines.until(end):
            pass

    def is_row(self, fields: list[str], row: tuple[str, int, dict[str, str]]) -> bool:
        """Tell whether the stored *row* is what stands in the file."""
        if not self._is_good(fields):
            return False
        name, age, more = row
        return (
            name == fields[self._name]
            and age == int(fields[self._age])
            and more == {other: fields[at] for other, at in self._others}
        )

    def note_missing(self, records: Iterable[_Record], line: int, found: CsvAudit) -> None:
        """Count records that are neither stored nor rejected; they stand behind *line*."""
        for record in records:
            found.note("lost" if record.good else "unreported", line)

    def _is_good(self, fields: list[str]) -> bool:
        if len(fields) != self._width:
            return False
        if any(bad in text for text in fields for bad in (_UNDECODABLE, "\0")):
            return False
        name, age = fields[self._name], fields[self._age].strip()
        is_age = age.isascii() and age.isdigit() and int(age[:9]) <= MOST_AGE and len(age) <= len(str(MOST_AGE))
        return is_age and 0 < len(name) <= MOST_NAME and all(len(fields[at]) <= MOST_TEXT for _, at in self._others)


class _Lines:
    """Lines of a file with their numbers; of one that is far too long only the beginning."""

    def __init__(self, text: io.TextIOWrapper, newline: str) -> None:
        self._text, self._newline = text, newline
        self.number = 1
        """Of the line that comes next."""

    def until(self, end: int | None) -> Iterator[str]:
        """Yield the lines before line *end*, or all that are left."""
        while (end is None or self.number < end) and (line := self._next()):
            yield line

    def _next(self) -> str:
        line = self._text.readline(_MOST_LINE + 1)
        if not line:
            return ""
        self.number += 1
        if len(line) <= _MOST_LINE:
            return line
        piece = line
        while piece and not piece.endswith(self._newline):
            piece = self._text.readline(_MOST_LINE)
        return _UNDECODABLE + self._newline


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _UNDECODABLE, error.end


def form_of(said: dict[str, Any]) -> CsvForm:
    """Return the form of which the importer's first line tells."""
    return CsvForm(said["codec"], said["mark_bytes"], said["newline"], said["delimiter"], tuple(said["columns"]))

"""Whole pieces of a file as columns, where their quotes are as the rules of CSV have them (RFC 4180).

A quote then opens a field at its beginning and closes it at its end, so whether an even or an odd number of quotes
stands before a line feed or a delimiter tells whether it ends anything. That takes a few passes over the bytes, which
numpy makes, and Arrow splits the records. What is not so quoted is left to `workers.csv_import.records`, which reads
record by record; both judge alike.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from contract.csv_rows import MOST_AGE, MOST_LINE, MOST_NAME, MOST_TEXT
from workers.csv_import.chunks import AGE_DIGITS, Reject, Rows, flaw_of, objects_of
from workers.csv_import.dialect import Columns
from workers.csv_import.lines import MOST_RECORD_BYTES

Indices = NDArray[np.int64]
_LINE_FEED, _RETURN, _QUOTE = b'\n\r"'
_JSON_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_RARE = bytes(set(range(32)) - set(b"\n\r\t"))
"""Control characters that JSON has no short escape for, or seldom needs."""
_NOTHING, _NO_AGE, _EMPTY_OBJECT, _END_OF_OBJECT = map(pa.scalar, ("", "0", "{}", '"}'))
"""Made once: each Python value that Arrow is given costs a look for pandas."""


class Piece(NamedTuple):
    """The whole records at the beginning of some bytes."""

    rows: Rows
    rejects: list[Reject]
    size: int
    """Bytes in all of them."""
    next_line: int
    """The number of the line behind them."""


class _Records(NamedTuple):
    """Where records begin and end; arrays as long as there are records."""

    starts: Indices
    ends: Indices
    """At their last line feeds."""
    first: Indices
    """The numbers of their first lines,"""
    last: Indices
    """and of their last ones."""
    widths: Indices
    """In fields."""


class Columnar:
    """Reads pieces of one file."""

    def __init__(self, columns: Columns, delimiter: str) -> None:
        self._columns, self._delimiter = columns, delimiter
        self._mark = ord(delimiter)
        self._openings = openings_of([name for name, _ in columns.others])
        numbered = [str(number) for number in range(len(columns.names))]
        self._parsed_as = pa_csv.ParseOptions(
            delimiter=delimiter, quote_char='"', double_quote=True, newlines_in_values=True, ignore_empty_lines=False
        )
        self._converted_as = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(numbered, pa.string()), strings_can_be_null=False, check_utf8=False
        )
        self._numbered = numbered

    def piece(self, data: bytes, line: int) -> Piece | None:
        """Return the whole records in *data*, which begins with a record at *line* and ends with a line feed.

        None where it is quoted in another way.
        """
        raw = np.frombuffer(data, dtype=np.uint8)
        records = self._records(raw, line)
        if records is None:
            return None
        if not len(records.ends):
            return Piece(Rows.none(), [], 0, line)
        right = records.widths == len(self._columns.names)
        found = _Judged(self._columns)
        if not right.all() and not self._judge_others(data, records, ~right, found):
            return None
        rows = self._rows(data, records, right, found)
        if rows is None:
            return None
        return Piece(rows, found.in_order(), int(records.ends[-1]) + 1, int(records.last[-1]) + 1)

    def _records(self, raw: NDArray[np.uint8], line: int) -> _Records | None:
        """Return the records, without what is begun at the end; None where quotes or line ends are amiss."""
        quotes, feeds = np.flatnonzero(raw == _QUOTE), np.flatnonzero(raw == _LINE_FEED)
        marks, returns = np.flatnonzero(raw == self._mark), np.flatnonzero(raw == _RETURN)
        if quotes.size and not self._well_quoted(raw, quotes):
            return None
        ends, marks, returns = (_outside(quotes, places) for places in (feeds, marks, returns))
        if returns.size and (raw[returns + 1] != _LINE_FEED).any():
            return None
        starts = np.concatenate(([0], ends[:-1] + 1)) if ends.size else ends
        first, last = (line + np.searchsorted(feeds, places) for places in (starts, ends))
        if ends.size and (last[-1] > MOST_LINE or int((ends - starts).max()) > MOST_RECORD_BYTES):
            return None
        widths = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
        return _Records(starts, ends, first, last, widths)

    def _well_quoted(self, raw: NDArray[np.uint8], quotes: Indices) -> bool:
        """Tell whether each quote opens a field, closes one, or is one of two within a field.

        All that has to be looked at is the byte before each that opens, and behind each that closes: the last byte is
        a line feed, so the one "before" the first and the one behind the last are there, too.
        """
        before, behind = raw[quotes[0::2] - 1], raw[quotes[1::2] + 1]
        begins = (before == self._mark) | (before == _LINE_FEED) | (before == _QUOTE)
        over = (behind == self._mark) | (behind == _LINE_FEED) | (behind == _QUOTE) | (behind == _RETURN)
        return bool(begins.all() and over.all())

    def _judge_others(self, data: bytes, records: _Records, which: NDArray[np.bool_], found: _Judged) -> bool:
        """Judge records with too few or too many fields one by one; False where they cannot be split."""
        texts = [data[start : end + 1].decode() for start, end in _spans(records, which)]
        try:
            split = list(csv.reader(texts, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return False
        if len(split) != len(texts):
            return False
        for fields, text, first, last in zip(
            split, texts, records.first[which].tolist(), records.last[which].tolist(), strict=True
        ):
            if fields:  # a blank line is no record
                found.take(fields, first, last, text)
        return True

    def _rows(self, data: bytes, records: _Records, right: NDArray[np.bool_], found: _Judged) -> Rows | None:
        """Return the rows of the records of the *right* width, and of those that *found* holds already."""
        if not right.any():
            return found.rows()
        table = self._table(_body(data, records, right), int(right.sum()))
        # what `csv` takes for a quote that is not closed has to come to it
        if table is None or max(int(_sizes(column).max()) for column in table) > csv.field_size_limit():
            return None
        names, ages = table[self._columns.name_at], table[self._columns.age_at]
        others = [table[place] for _, place in self._columns.others]
        good = _good(names, ages, others)
        lines = records.first[right]
        if not good.all():
            odd = ~good
            fields = zip(*(column.filter(pa.array(odd)).to_pylist() for column in table), strict=True)
            where = np.flatnonzero(right)[odd]
            for values, number in zip(fields, where.tolist(), strict=True):
                start, end = records.starts[number], records.ends[number]
                text = data[start : end + 1].decode()
                found.take(list(values), int(records.first[number]), int(records.last[number]), text)
            kept = pa.array(good)
            names, ages, others, lines = (
                names.filter(kept),
                ages.filter(kept),
                [o.filter(kept) for o in others],
                lines[good],
            )
        # as numbers once, so that 007 is 7
        rows = Rows(
            lines, names, ages.cast(pa.int16()).cast(pa.string()), json_objects(self._openings, others, len(lines))
        )
        return Rows.merged(rows, found.rows())

    def _table(self, body: bytes, count: int) -> list[pa.Array] | None:
        """Return the columns of *count* records; None where Arrow splits them otherwise, or leaves a mark out."""
        if body.startswith(codecs.BOM_UTF8):
            return None
        reading = pa_csv.ReadOptions(use_threads=False, column_names=self._numbered, block_size=len(body) + 1)
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(body),
                read_options=reading,
                parse_options=self._parsed_as,
                convert_options=self._converted_as,
            )
        except pa.ArrowInvalid:
            return None
        return [column.combine_chunks() for column in table.columns] if table.num_rows == count else None


class _Judged:
    """Records that were looked at one by one."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rows: list[tuple[int, str, int]] = []
        self._others: list[list[str]] = []
        self._rejects: list[Reject] = []

    def take(self, fields: Sequence[str], first: int, last: int, text: str) -> None:
        """Take a record that stands on the lines *first* to *last*."""
        if reason := flaw_of(fields, self._columns, first):
            self._rejects.append(Reject.of(first, last, reason, text))
        else:
            self._rows.append((first, fields[self._columns.name_at], int(fields[self._columns.age_at])))
            self._others.append([fields[place] for _, place in self._columns.others])

    def rows(self) -> Rows:
        return Rows.of(self._rows, objects_of([name for name, _ in self._columns.others], self._others))

    def in_order(self) -> list[Reject]:
        return sorted(self._rejects)


def openings_of(names: Sequence[str]) -> list[pa.Scalar]:
    """Return what stands before the values of a JSON object whose members are called *names*."""
    encoded = [msgspec.json.encode(name).decode() for name in names]
    return [pa.scalar(('",' if number else "{") + name + ':"') for number, name in enumerate(encoded)]


def json_objects(openings: Sequence[pa.Scalar], columns: Sequence[pa.Array], count: int) -> pa.Array:
    """Return a JSON object a row, whose members begin with *openings* and have the texts of *columns*."""
    if not openings:
        return pa.repeat(_EMPTY_OBJECT, count)
    parts: list[pa.Array | pa.Scalar] = []
    for opening, column in zip(openings, columns, strict=True):
        parts += [opening, json_texts(column)]
    return pc.binary_join_element_wise(*parts, _END_OF_OBJECT, _NOTHING)


def json_texts(column: pa.Array) -> pa.Array:
    """Return texts as they stand between the quotes of a JSON string."""
    content = content_of(column)
    if len(content.translate(None, _RARE)) < len(content):
        return pa.array([msgspec.json.encode(text).decode()[1:-1] for text in column.to_pylist()], pa.string())
    return escaped_texts(column, _JSON_ESCAPES)


def escaped_texts(column: pa.Array, escapes: Sequence[tuple[str, str]]) -> pa.Array:
    """Return texts with their marks escaped; the escape itself has to be the first of them."""
    content = content_of(column)
    for mark, escape in escapes:
        if mark.encode() in content:
            column = pc.replace_substring(column, mark, escape)
    return column


def joined(*parts: pa.Array | pa.Scalar) -> bytes:
    """Return the texts of columns, and of what stands between them, row by row in one text."""
    found = pc.binary_join_element_wise(*parts, _NOTHING)
    if not len(found):
        return b""
    end = np.frombuffer(found.buffers()[1], dtype=np.int32)[len(found)]  # a kernel's result is no slice
    return content_of(found)[:end]


def content_of(column: pa.Array) -> bytes:
    """Return all texts, one behind the other; those of all of which *column* may be a part."""
    data = column.buffers()[2]
    return b"" if data is None else data.to_pybytes()


def _outside(quotes: Indices, places: Indices) -> Indices:
    """Return those *places* that no quotes surround."""
    return places[np.searchsorted(quotes, places) % 2 == 0] if quotes.size else places


def _spans(records: _Records, which: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return list(zip(records.starts[which].tolist(), records.ends[which].tolist(), strict=True))


def _body(data: bytes, records: _Records, right: NDArray[np.bool_]) -> bytes:
    """Return the bytes of the *right* records, one behind the other."""
    if right.all():
        return data[: records.ends[-1] + 1]
    turns = np.flatnonzero(np.diff(right, prepend=False, append=False))  # where right ones begin, and where they end
    starts, ends = records.starts[turns[0::2]].tolist(), (records.ends[turns[1::2] - 1] + 1).tolist()
    return b"".join([data[start:end] for start, end in zip(starts, ends, strict=True)])


def _good(names: pa.Array, ages: pa.Array, others: Sequence[pa.Array]) -> NDArray[np.bool_]:
    """Tell which rows are good at first sight: by bytes, of which a text has at least as many as characters."""
    sizes = _sizes(names)
    good = (sizes > 0) & (sizes <= MOST_NAME)
    for column in others:
        good &= _sizes(column) <= MOST_TEXT
    digits = _sizes(ages)
    good &= (digits > 0) & (digits <= AGE_DIGITS)
    if not content_of(ages).isdigit():
        good &= _as_bools(pc.ascii_is_decimal(ages))
    years = ages if good.all() else pc.if_else(pa.array(good), ages, _NO_AGE)
    good &= years.cast(pa.int16()).to_numpy() <= MOST_AGE
    return good


def _sizes(texts: pa.Array) -> NDArray[np.int32]:
    """Return the bytes of each text of a whole column."""
    return np.diff(np.frombuffer(texts.buffers()[1], dtype=np.int32)[: len(texts) + 1])


def _as_bools(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)

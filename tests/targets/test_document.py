"""Where things stand in a TOML text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.targets.document import Document, Path, Position, read_document
from seawall.targets.errors import BadTargets

ODD = '''# [[always]] in a comment
top.dotted  =  { a = 1, "b c" = [ 2, '3' ] }   # limit = "= 0"

  [[ always ]]
name = """
limit = 7
[[always]] \\""" still text ""\"""
limit\t=\t"a \\" b # no comment"
'sco pe' = \'\'\'it's''\'''
"\\u006detric" = 1979-05-27 07:32:00
[always.sub]
x = 0
[[always.deep]]
y = 1
[[always.deep]]
y = 2
[[always]]
list = [
  # ] a comment
  "x, ]", [ ],
  { z = inf },
]
[later.first]
v = 1
[later]
w = 2
'''


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("top",), (2, 1), (2, 1)),
        (("top", "dotted"), (2, 1), (2, 16)),
        (("top", "dotted", "a"), (2, 18), (2, 22)),
        (("top", "dotted", "b c"), (2, 25), (2, 33)),
        (("top", "dotted", "b c", 1), (2, 38), (2, 38)),
        (("always", 0), (4, 3), (4, 3)),
        (("always", 0, "name"), (5, 1), (5, 8)),
        (("always", 0, "limit"), (8, 1), (8, 9)),
        (("always", 0, "sco pe"), (9, 1), (9, 12)),
        (("always", 0, "metric"), (10, 1), (10, 17)),
        (("always", 0, "sub"), (11, 1), (11, 1)),
        (("always", 0, "sub", "x"), (12, 1), (12, 5)),
        (("always", 0, "deep", 0, "y"), (14, 1), (14, 5)),
        (("always", 0, "deep", 1), (15, 1), (15, 1)),
        (("always", 0, "deep", 1, "y"), (16, 1), (16, 5)),
        (("always", 1), (17, 1), (17, 1)),
        (("always", 1, "list", 0), (20, 3), (20, 3)),
        (("always", 1, "list", 1), (20, 11), (20, 11)),
        (("always", 1, "list", 2, "z"), (21, 5), (21, 9)),
        (("later", "first"), (23, 1), (23, 1)),
        (("later", "first", "v"), (24, 1), (24, 5)),
        (("later",), (25, 1), (25, 1)),
        (("later", "w"), (26, 1), (26, 5)),
    ],
)
def test_finds_keys_and_values(path: Path, key: tuple[int, int], value: tuple[int, int]) -> None:
    """Comments, strings over lines, odd spacing, quoted and dotted keys move no place."""
    document = read_document(ODD, "x")
    assert document.keys[path] == key
    assert document.values[path] == value


def test_what_has_no_place_stands_where_its_table_does() -> None:
    """A key that is missing is told at the table that should have it."""
    document = read_document("\n\n [[always]]\na = 1\n", "x")
    assert document.value(("always", 0, "limit")) == (3, 2)
    assert document.key(("nowhere",)) == (1, 1)


STRINGS = ['""', "''", '"# = ]}, \\" é"', "'\\'", '"""a\n"" [[x]]\\"""""', "'''\n'' # '''''", '""""""']


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of all keys and elements of *value*."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


@dataclass
class Writer:
    """Writes TOML and notes where it wrote what, by counting lines and columns as it goes."""

    draw: st.DrawFn
    text: str = ""
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)

    @property
    def here(self) -> Position:
        """The place of the next character."""
        return Position(self.text.count("\n") + 1, len(self.text.rpartition("\n")[2]) + 1)

    def any_of(self, *choices: str) -> str:
        """Return one of *choices*."""
        return self.draw(st.sampled_from(choices))

    def write(self, *choices: str) -> None:
        """Write one of *choices*."""
        self.text += self.any_of(*choices)

    def table(self, number: int, tables: int) -> None:
        """Write a table that is the element *tables* of `always`, or one with a name of its own."""
        self.write("", "\n", "# [x]\n", "\t\n \n", "  ")
        begin = self.here
        if self.draw(st.booleans()):
            self.write("[[always]]", "[[ always ]]", "[['always'\t]]", '[["alw\\u0061ys"]]')
            path: Path = ("always", tables)
            self.keys.setdefault(("always",), begin)
            self.values.setdefault(("always",), begin)
        else:
            self.write(f"[t{number}]", f"[ 't{number}' ]")
            path = (f"t{number}",)
        self.keys[path] = self.values[path] = begin
        self.write("\n", " # 'limit = 1\n", "\n\n")
        for index in range(self.draw(st.integers(0, 4))):
            self.write("", "  ", "\t", "# '''\n")
            self.pair(path, index)
            self.write("\n", '  # "\n', '#"""\n\n')

    def pair(self, path: Path, index: int) -> None:
        """Write a key and its value."""
        begin = self.here
        name = f"k{index}"
        if self.draw(st.booleans()):
            path = (*path, f"d {index}")
            self.keys[path] = self.values[path] = begin
            self.write(f'"d {index}".', f"'d {index}' .\t", f'"d\\u0020{index}" . ')
        path = (*path, name)
        self.keys[path] = begin
        self.write(name, f"'{name}'", f'"{name}"')
        self.write("=", " = ", "\t=  ")
        self.value(path, depth=0)

    def value(self, path: Path, depth: int) -> None:
        """Write a value."""
        self.values[path] = self.here
        kind = self.draw(st.integers(0, 5 if depth < 3 else 3))
        if kind == 4:
            self.write("[", "[ ", "[\n", "[ # ]\n  ")
            for index in range(self.draw(st.integers(0, 3))):
                self.keys[(*path, index)] = self.here
                self.value((*path, index), depth + 1)
                self.write(",", " , ", "\n,\n", ",# ,]\n")
            self.write("]")
        elif kind == 5:
            self.write("{", "{ ")
            for index in range(self.draw(st.integers(0, 2))):
                if index:
                    self.write(",", " , ")
                self.pair_in_line(path, index, depth)
            self.write("}", " }")
        else:
            self.write("1", "-0.5e3", "true", "nan", "1979-05-27 07:32:00", "0xf", *STRINGS)

    def pair_in_line(self, path: Path, index: int, depth: int) -> None:
        """Write a key and its value within an inline table."""
        path = (*path, f"i{index}")
        self.keys[path] = self.here
        self.write(f"i{index}", f"'i{index}'")
        self.write("=", " = ")
        self.value(path, depth + 1)


@st.composite
def written(draw: st.DrawFn) -> Writer:
    """Return a writer that has written up to four tables."""
    writer = Writer(draw)
    tables = 0
    for number in range(draw(st.integers(0, 4))):
        writer.table(number, tables)
        tables += ("always", tables) in writer.keys
    return writer


@given(written())
@settings(max_examples=300)
def test_places_are_where_the_text_was_written(writer: Writer) -> None:
    """Every key and every value is found where it was put, and nothing else is found."""
    document = read_document(writer.text, "x")
    assert document.keys == writer.keys
    assert document.values == writer.values


@given(written(), st.data())
@settings(max_examples=300)
def test_whatever_is_toml_has_a_place_for_each_thing(writer: Writer, data: st.DataObject) -> None:
    """Text with a character more or less is no TOML, or all that it holds has a place."""
    at = data.draw(st.integers(0, len(writer.text)))
    skipped = data.draw(st.integers(0, 2))
    text = writer.text[:at] + data.draw(st.sampled_from([*"\n\"'[]{}=,.# a1", ""])) + writer.text[at + skipped :]
    try:
        document = read_document(text, "x")
    except BadTargets:
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(text)
        return
    assert isinstance(document, Document)
    assert set(document.keys) == set(document.values) == set(paths(document.data))

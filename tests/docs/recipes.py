"""Reads a Markdown recipe: which blocks go into which files, and which commands are run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^(?P<before>[^\n]*)\n\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"In `([^`]+)`")
_PLACE = re.compile(r"(above|below) the line `(.+)`$")


class Edit(NamedTuple):
    """A block and where it goes: *above* the only line of *path* that reads *anchor*, or below it."""

    path: str
    above: bool
    anchor: str
    text: str


class Recipe(NamedTuple):
    """The edits and, in the order of the page, what stands in its `sh` blocks."""

    edits: list[Edit]
    scripts: list[str]


def read_recipe(page: Path) -> Recipe:
    """Return what *page* tells its reader to do.

    Each `python` block follows a line that ends with "above the line `...`" or "below the line `...`"; the file is the
    one named last by "In `...`".
    """
    text = page.read_text(encoding="utf-8")
    edits, scripts = [], []
    for block in _BLOCK.finditer(text):
        if block["language"] == "sh":
            scripts.append(block["text"])
            continue
        place = _PLACE.search(block["before"])
        assert place, f"{page}: where does the block after {block['before']!r} go?"
        path = _FILE.findall(text[: block.start("text")])[-1]
        edits.append(Edit(path, place[1] == "above", place[2], block["text"]))
    return Recipe(edits, scripts)


def apply(edit: Edit, root: Path) -> None:
    """Make *edit* below *root*; the anchor must be exactly one line, whatever its indentation."""
    path = root / edit.path
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    found = [number for number, line in enumerate(lines) if line.strip() == edit.anchor]
    assert len(found) == 1, f"{edit.path} has the line {edit.anchor!r} {len(found)} times"
    place = found[0] + (not edit.above)
    path.write_text("".join([*lines[:place], edit.text, *lines[place:]]), encoding="utf-8")

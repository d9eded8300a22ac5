"""Tables and texts in Markdown, as GitHub and GitLab show it; what users can put into names stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")


def text(value: object) -> str:
    """Return *value* as one line of text in which nothing is a sign of Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))


def table(names: Sequence[str], rows: Iterable[Sequence[object]], *, left: int = 1) -> str:
    """Return a table with a line a row, and a blank line above and below it; the first *left* columns are texts."""
    lines = [names, ["---"] * left + ["---:"] * (len(names) - left)]
    written = [f"| {' | '.join(map(text, names))} |", f"|{'|'.join(lines[1])}|"]
    written += [f"| {' | '.join(map(text, row))} |" for row in rows]
    return "\n" + "\n".join(written) + "\n"

"""What the documentation says to type, and what it links to."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

from seawall.stack.places import ROOT

_SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ANY_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_INLINE_COMMAND = re.compile(r"`((?:bin/seawall|bin/test|\.venv/bin/locust)[^`]*)`")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


class Command(NamedTuple):
    """One command line of a page, without its comment."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def pages() -> list[Path]:
    """Return all Markdown files that git does not ignore."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).exists()]


def commands() -> list[Command]:
    """Return every command line of a fenced `sh` block, and every one in backquotes that calls a program of ours."""
    found = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        lines = [line for block in _SHELL_BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
        lines += [" ".join(line.split()) for line in _INLINE_COMMAND.findall(_ANY_BLOCK.sub("", text))]
        name = str(page.relative_to(ROOT))
        found += [Command(name, tuple(words)) for line in lines if (words := shlex.split(line, comments=True))]
    return found


def links(page: Path) -> list[str]:
    """Return the targets of *page*'s links that do not leave the repository."""
    targets = _LINK.findall(_ANY_BLOCK.sub("", page.read_text(encoding="utf-8")))
    return [target for target in targets if "://" not in target and not target.startswith("mailto:")]


def headings(page: Path) -> set[str]:
    """Return the anchors of *page*'s headings, as they are made of their words."""
    lines = re.findall(r"^#+ (.+)$", _ANY_BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}

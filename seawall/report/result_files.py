"""Every result below a directory, whatever else lies there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seawall.report.errors import NoResult
from seawall.report.stored import NAME
from seawall.result.history import SkippedFile

_OF_LOCUST = "_result.json"
"""How the results of plain Locust runs end, of which several may lie side by side."""
_BESIDE = (
    *("_report.html", "_junit.xml", "_requests"),
    *("_stats.csv", "_stats_history.csv", "_failures.csv", "_exceptions.csv"),
)
"""What else such a run leaves."""
_OF_HISTORY = ("history.md", "history.html", "history.json")


@dataclass
class ResultFiles:
    """What was found: the results' files, in the order of their names, and what is none."""

    files: list[Path] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)


def find_results(directory: Path) -> ResultFiles:
    """Return where results lie below *directory*; nothing of them is read.

    A directory with a result is not searched further. Each directory counts once: a link to one that was seen, or back
    to one above, is told and left out. Raises `NoResult` where *directory* is none, or cannot be read.
    """
    if not directory.is_dir():
        raise NoResult(f"{directory} is no directory: give the one that holds your runs, such as results")
    try:
        os.scandir(directory).close()
    except OSError as error:
        raise NoResult(f"{directory} cannot be read: {error.strerror}") from None
    search = _Search(directory)
    search.look_into(directory)
    while search.links:  # after the directories themselves, so that those keep their names
        search.follow(search.links.pop(0))
    search.found.files.sort()
    search.found.skipped.sort(key=lambda one: one.path)
    return search.found


class _Search:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: dict[tuple[int, int], Path] = {}
        self.found = ResultFiles()
        self.links: list[Path] = []

    def look_into(self, directory: Path) -> None:
        """Note what lies in *directory* and below."""
        waiting = [directory]
        while waiting:
            waiting += self._of_one(waiting.pop())

    def follow(self, link: Path) -> None:
        """Look into the directory that a link leads to, unless that was done."""
        there = _identity(link)
        if there in self._seen:
            above = link.resolve() in link.absolute().parents
            other = os.path.relpath(self._seen[there], self._root)
            self._skip(link, f"a link back to {other}, above it" if above else f"a link to {other}, which counts once")
        else:
            self.look_into(link)

    def _of_one(self, directory: Path) -> Iterator[Path]:
        """Yield the directories in *directory* that are to be searched; there are none where a result lies."""
        try:
            self._seen[_identity(directory)] = directory
            entries = sorted(directory.iterdir())
        except OSError as error:
            self._skip(directory, f"cannot be read: {error.strerror}")
            return
        if directory / NAME in entries:
            self._take(directory / NAME)
            return
        results = [entry for entry in entries if entry.name.endswith(_OF_LOCUST)]
        for result in results:
            self._take(result)
        prefixes = [result.name.removesuffix(_OF_LOCUST) for result in results]
        others = [
            entry
            for entry in entries
            if entry not in results and not any(entry.name == prefix + end for prefix in prefixes for end in _BESIDE)
        ]
        yield from self._of_others(others)

    def _of_others(self, entries: list[Path]) -> Iterator[Path]:
        """Yield the directories among *entries*, keep links for later, and say what is no result."""
        strangers = []
        for entry in entries:
            if entry.is_symlink() and not entry.is_dir():
                self._skip(entry, "a link that leads nowhere, or to itself")
            elif entry.is_symlink():
                self.links.append(entry)
            elif entry.is_dir():
                yield entry
            elif not entry.name.startswith(".") and entry.name not in _OF_HISTORY:
                strangers.append(entry)
        if strangers:
            more = f", and {len(strangers) - 1} more here" if len(strangers) > 1 else ""
            self._skip(strangers[0], f"no result of Seawall{more}: results are named {NAME} or PREFIX{_OF_LOCUST}")

    def _take(self, path: Path) -> None:
        if path.is_file():
            self.found.files.append(path)
        else:
            self._skip(path, "no file that can be read")

    def _skip(self, path: Path, why: str) -> None:
        self.found.skipped.append(SkippedFile(path=os.path.relpath(path, self._root), why=why))


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino

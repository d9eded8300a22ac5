"""Errors of targets.

TargetsError
 ├─ BadTargets     a targets file that cannot be used; holds every mistake in it, each with its line and column
 └─ BadLimit       one limit that cannot be read, reached or missed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Mistake(NamedTuple):
    """One thing that is wrong in a targets file; line and column count from 1."""

    line: int
    column: int
    text: str


class TargetsError(Exception):
    """Something that keeps targets from being judged."""


class BadTargets(TargetsError):
    """A targets file that cannot be used; the message lists every mistake in the order of the file."""

    def __init__(self, source_name: str, mistakes: Sequence[Mistake]) -> None:
        self.source_name = source_name
        self.mistakes = sorted(mistakes)
        many = f"{len(self.mistakes)} mistakes" if len(self.mistakes) > 1 else "a mistake"
        lines = [f"  {source_name}:{line}:{column}: {text}" for line, column, text in self.mistakes]
        super().__init__("\n".join([f"{source_name} has {many}; docs/targets.md describes the format", *lines]))


class BadLimit(TargetsError):
    """A limit that cannot be read, reached or missed; the message says what to write instead."""

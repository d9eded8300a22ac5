"""Columns in the conditions of a plan, as PostgreSQL writes them for a statement without its constants."""

from __future__ import annotations

import re

_COLUMN = r"(?<!\w)\((?:(?:\w+\.)?(\w+)|\((?:\w+\.)?(\w+)\)::[\w ]+) "
"""As plans write one, alone or as another type: ``(country``, ``((country)::text``; not one within a function."""
_EQUAL = re.compile(_COLUMN + r"= (?:ANY \()?\(?\$\d+")
_RANGE = re.compile(_COLUMN + r"(?:<|>|<=|>=) \(?\$\d+")


def equal_columns(condition: str) -> list[str]:
    """Return the columns that have to be equal to something that is given, each once."""
    return _columns(_EQUAL, condition)


def range_columns(condition: str) -> list[str]:
    """Return the columns that have to lie above or below something that is given, each once."""
    return _columns(_RANGE, condition)


def columns_for_index(condition: str) -> list[str]:
    """Return the columns of an index that leads to what meets *condition*; none where an ordinary one does not.

    Those that have to be equal to something come first, then one that has to lie in a range.
    """
    if " OR " in condition:
        return []
    equal = equal_columns(condition)
    return [*equal, *[name for name in range_columns(condition) if name not in equal][:1]]


def _columns(pattern: re.Pattern[str], condition: str) -> list[str]:
    return list(dict.fromkeys(alone or as_type for alone, as_type in pattern.findall(condition)))

"""The two consoles: results go to standard output, progress and messages to standard error.

Colours and moving lines are left out where nobody sees them: rich minds ``NO_COLOR`` and what is no terminal.
"""

from __future__ import annotations

from functools import cache

from rich.console import Console


@cache
def output_console() -> Console:
    """Return the console of results."""
    return Console(highlight=False)


@cache
def error_console() -> Console:
    """Return the console of progress and messages."""
    return Console(stderr=True, highlight=False)

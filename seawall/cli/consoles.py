"""The two consoles: results go to standard output, progress and messages to standard error.

Colours and moving lines are left out where nobody sees them: rich minds ``NO_COLOR`` and what is no terminal.
"""

from __future__ import annotations

from functools import cache

from rich.console import Console

_FILE_WIDTH = 200


@cache
def output_console() -> Console:
    """Return the console of results; a file gets whole tables, whatever the width of a screen."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_FILE_WIDTH)


@cache
def error_console() -> Console:
    """Return the console of progress and messages."""
    return Console(stderr=True, highlight=False)

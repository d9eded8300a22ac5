"""`key`: make a key for the API, and say what the service has to know of it."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Annotated

import typer

from contract.api_keys import Scope, line_of, new_key, parse_keys
from contract.errors import BadApiKeys
from seawall.cli.consoles import error_console
from seawall.cli.option_values import names

EXAMPLES = """[bold]Examples[/]

  bin/seawall key checkout --file api-keys                       may write and read; the key is shown once
  bin/seawall key dashboard --scopes read --file api-keys
  bin/seawall key prometheus --scopes admin --file api-keys      may read /metrics beyond this machine
  bin/seawall key checkout > key.txt                             without a file: the line for it goes to standard error

The file holds digests, never keys; SEAWALL_API_KEYS_FILE tells the service where it is, and changes are seen within a
second. To change a key without a gap, make a second one under another name, hand it out, then remove the first line.
The stack of `bin/seawall up` makes its own key, and Locust finds it.

Exit codes: 0 a key was made, 2 it could not be."""


def key(
    name: Annotated[str, typer.Argument(help="Whose key it is; letters, digits, dots, hyphens and underscores.")],
    *,
    scopes: Annotated[str, typer.Option(metavar="LIST", help="What it allows: write, read, admin.")] = "write,read",
    file: Annotated[Path | None, typer.Option(help="File of the service's keys, to which it is added.")] = None,
) -> None:
    """Make a key, print it once, and add its digest to the file of the service."""
    unknown = sorted(set(names(scopes)) - set(Scope))
    if unknown:
        raise typer.BadParameter(f"no scope is called {', '.join(unknown)}; there are {', '.join(Scope)}")
    made = new_key()
    line = line_of(name, [Scope(scope) for scope in names(scopes)], made)
    if file is not None:
        _add(file, line)
    print(made)
    said = f"Its digest is in {file}." if file else f"The line for the service's file of keys:\n{line}"
    error_console().print(said, highlight=False, soft_wrap=True)


def _add(file: Path, line: str) -> None:
    """Add *line* at the end of the file itself, whose owner and mode stay; others who do so wait."""
    file.touch(mode=0o600)
    with file.open("r+", encoding="utf-8") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        before = opened.read()
        added = ("" if before.endswith("\n") or not before else "\n") + line + "\n"
        try:
            parse_keys(before + added)
        except BadApiKeys:
            if not before:
                file.unlink()
            raise
        opened.write(added)

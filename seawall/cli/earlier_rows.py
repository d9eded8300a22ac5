"""Rows of earlier runs in the tables, which an experiment would remove."""

from __future__ import annotations

import sys

import typer

from seawall.stack.stack import Stack


def settle_rows(stack: Stack, *, clean: bool, keep: bool) -> None:
    """Find out what to do with rows of earlier runs: ask where somebody is there, else refuse.

    Raises `typer.BadParameter` where they may not be removed.
    """
    rows = {name: count for name, count in stack.row_counts().items() if count}
    if not rows or clean or keep:
        return
    found = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            f"the tables hold {found} of earlier runs: give --clean or --keep", param_hint="--clean"
        )
    if not typer.confirm(f"The tables hold {found} of earlier runs. Clean up?", err=True):
        raise typer.BadParameter(
            "nothing was changed; --keep runs the comparison beside those rows", param_hint="--clean"
        )

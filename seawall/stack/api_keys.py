"""The key of a stack's API, made anew by each stack and gone with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from contract.api_keys import Scope, line_of, new_key

_NAME = "stack"


class StackKey(NamedTuple):
    """A key, and the file in which the API finds its digest."""

    key: str
    file: Path


def made_in(directory: Path) -> StackKey:
    """Make a key that allows everything; its file appears in *directory*, and only its owner can read it."""
    key, file = new_key(), file_in(directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(line_of(_NAME, list(Scope), key) + "\n", encoding="ascii")
    return StackKey(key, file)


def file_in(directory: Path) -> Path:
    """Return where `made_in` leaves the key's digest."""
    return directory / "api-keys"

"""What can stand on the command line: verbs, their options, and the options' values."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

from seawall.cli.app import SCENARIOS, VERBS, verb_command


@dataclass(frozen=True)
class OptionWords:
    """One option of a verb."""

    names: tuple[str, ...]
    """With their hyphens."""
    says: str
    takes_value: bool = False
    takes_file: bool = False
    values: tuple[str, ...] = ()
    """Those that can be given; empty where they are not a few words."""
    several: bool = False
    """Whether values may follow one another, with commas between them."""


@dataclass(frozen=True)
class VerbWords:
    """A verb."""

    name: str
    says: str
    options: list[OptionWords] = field(default_factory=list)
    arguments: tuple[str, ...] = ()
    """What its argument can be; empty where that is a file, or nothing that is known."""


def words_of(
    choices: Mapping[str, Sequence[str]], lists: Mapping[str, Sequence[str]], arguments: Mapping[str, tuple[str, ...]]
) -> list[VerbWords]:
    """Return all verbs; *choices* and *lists* hold the values of options by name, *arguments* those of verbs."""
    return [
        VerbWords(name, says, _options(name, {**choices, **lists}, set(lists)), arguments.get(name, ()))
        for name, says in VERBS.items()
    ]


def _options(verb: str, values: Mapping[str, Sequence[str]], lists: set[str]) -> list[OptionWords]:
    """Return the options of a verb; of one that has scenarios, those of all of them."""
    if scenarios := SCENARIOS.get(verb):
        each = [one for name in scenarios for one in _options(f"{verb} {name}", values, lists)]
        return list({one.names: one for one in each}.values())
    name = verb.replace(" ", "_")
    hints = get_type_hints(getattr(importlib.import_module(f"seawall.cli.{name}"), name))
    found = []
    for parameter in verb_command(verb).params:
        names = tuple(name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--"))
        if not names:
            continue
        known = next((name for name in names if name in values), "")
        takes_value = not getattr(parameter, "is_flag", False)
        found.append(
            OptionWords(
                names,
                _plain(getattr(parameter, "help", None) or ""),
                takes_value=takes_value,
                takes_file=takes_value and _is_path(hints.get(parameter.name or "")),
                values=tuple(values[known]) if known and takes_value else (),
                several=known in lists,
            )
        )
    return [*found, OptionWords(("--help",), "Show what the verb does, with examples")]


def _is_path(hint: Any) -> bool:
    return hint is Path or Path in get_args(hint)


def _plain(text: str) -> str:
    """Return a help text without its default and without marks."""
    without_default = re.sub(r"\s*\\?\[default:[^\]]*\]", "", text)
    return " ".join(re.sub(r"\\?\[/?\w*\]", "", without_default).split()).rstrip(".")

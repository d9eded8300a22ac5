"""The compose file as Compose reads it: merged, with variables filled in."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from seawall.stack.places import ROOT

COMPOSE = ROOT / "deploy" / "compose"
FILE = COMPOSE / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
OURS = {"api": "seawall-api", "sink": "seawall-sink", "load": "seawall-load"}
"""Roles by what their images are called, without the version."""


def document(variables: Mapping[str, str] | None = None, file: Path = FILE) -> dict[str, Any]:
    """Return the whole file, variables filled in; raises `KeyError` with a variable that is needed and has no value."""
    given = variables or {}

    def fill(match: re.Match[str]) -> str:
        name, kind, default = match.groups()
        if name in given:
            return given[name]
        if kind == "-":
            return default
        raise KeyError(name)

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(fill, value)
        if isinstance(value, list):
            return [filled(one) for one in value]
        if isinstance(value, dict):
            return {name: filled(one) for name, one in value.items()}
        return value

    found: dict[str, Any] = filled(yaml.safe_load(file.read_text(encoding="utf-8")))
    return found


def needed_variables() -> set[str]:
    """Return the variables that have no default."""
    return {name for name, kind, _ in _VARIABLE.findall(FILE.read_text(encoding="utf-8")) if kind != "-"}


@cache
def filled_in() -> dict[str, Any]:
    """Return the file with a word for each variable that has no default; not to be changed."""
    return document({name: f"x{name.lower()}" for name in needed_variables()})


def service(name: str) -> dict[str, Any]:
    """Return one service of `filled_in`."""
    found: dict[str, Any] = copy.deepcopy(filled_in()["services"][name])
    return found


def seconds(text: str) -> float:
    """Return how long a duration such as ``40s`` or ``1m`` is."""
    return float(text[:-1]) * {"s": 1, "m": 60}[text[-1]]

"""All knobs, out of one file a place; whoever adds one adds a table there and nothing else."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from types import MappingProxyType

import msgspec

from seawall.tuning.errors import BadSettings
from seawall.tuning.knob import Knob, Place

_PREFIXES = ("SEAWALL_", "SEAWALL_SINK_", "SEAWALL_KAFKA_")
"""Of variables, which may be left out."""


@cache
def knobs() -> MappingProxyType[tuple[Place, str], Knob]:
    """Return every knob by place and name, in the order of the files."""
    return MappingProxyType({(knob.place, knob.name): knob for place in Place for knob in _read(place)})


def knob_named(name: str) -> Knob:
    """Return the knob of that name, which may begin with its place: ``topic.compression.type``.

    A variable may be named without its prefix, in small letters: ``value_serializer``, ``offset_commits``.
    Raises `BadSettings` where there is none, or where several places have it and none is named.
    """
    variable = f"SEAWALL_{name.upper()}"
    names = (name, *(f"{prefix}{name.upper()}" for prefix in _PREFIXES))
    found = [knob for knob in knobs().values() if knob.name in names or name == f"{knob.place}.{knob.name}"]
    if len(found) == 1:
        return found[0]
    if found:
        places = " or ".join(f"{knob.place}.{knob.name}" for knob in found)
        raise BadSettings([f"--knob: several places have {name}: say {places}"])
    near = difflib.get_close_matches(name, [knob.name for knob in knobs().values()], 3)
    near = near or difflib.get_close_matches(variable, [knob.name for knob in knobs().values()], 3, 0.8)
    hint = f"; do you mean {' or '.join(near)}?" if near else ""
    raise BadSettings([f"--knob: unknown {name!r}{hint}; `bin/seawall tune --list` names all"])


def full_name(knob: Knob) -> str:
    """Return its name, with the place where another place has one of that name, too."""
    several = sum(name == knob.name for _, name in knobs()) > 1
    return f"{knob.place}.{knob.name}" if several else knob.name


def _read(place: Place) -> Iterator[Knob]:
    text = resources.files(__package__).joinpath(f"{place}_knobs.toml").read_text(encoding="utf-8")
    for name, fields in tomllib.loads(text).items():
        yield msgspec.convert({"name": name, "place": place, **fields}, Knob)

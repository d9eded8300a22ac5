"""Records that no test has sent before."""

from __future__ import annotations

import itertools
import time
from typing import Any

import msgspec

from contract.entities import Entity, Record
from contract.ids import Run, mint
from contract.samples import sample_fields

_run = Run(time.time_ns() // 10**6, 7)
_numbers = itertools.count()
_SAMPLES = 50


def new_record(entity: Entity, **changes: Any) -> Record:
    """Return a record of *entity* with a fresh id and drawn fields, some of them changed."""
    number = next(_numbers)
    fields = sample_fields(entity, 11, _SAMPLES)[number % _SAMPLES]
    return entity.record(id=mint(_run, number, 1, entity.number), **{**fields, **changes})


def new_fields(entity: Entity, **changes: Any) -> dict[str, Any]:
    """Return what a client would send for a new record, as JSON types; *changes* may be anything."""
    fields: dict[str, Any] = msgspec.to_builtins(new_record(entity))
    return {**fields, **changes}

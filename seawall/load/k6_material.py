"""The file that `k6/ingest.js` reads: contents of the records, what ids are made of, and thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from contract.entities import ENTITIES
from seawall.load.payloads import MIXES, body_tails, entity_at
from seawall.targets.k6_thresholds import K6Threshold, as_k6_option


def k6_material(entity: str, seed: int, thresholds: list[K6Threshold]) -> dict[str, Any]:
    """Return what the script needs to write the records that *seed* gives for each user and sequence.

    ``mix`` names the entity of the record whose user and sequence have the sum *i* modulo its length, ``tails`` the
    bodies behind their ids, as `body_tails`.
    """
    mix = MIXES[entity]
    return {
        "seed": seed,
        "entity": entity,
        "mix": [entity_at(mix, 0, place) for place in range(len(mix))],
        "numbers": {name: one.number for name, one in ENTITIES.items()},
        "base_rows": {name: one.base_rows for name, one in ENTITIES.items() if one.lookup},
        "thresholds": as_k6_option(thresholds),
        "tails": {name: [tail.decode() for tail in body_tails(ENTITIES[name], seed)] for name in sorted(set(mix))},
    }


def write_k6_material(path: Path, entity: str, seed: int, thresholds: list[K6Threshold]) -> None:
    """Write it as JSON."""
    path.write_bytes(msgspec.json.encode(k6_material(entity, seed, thresholds)))

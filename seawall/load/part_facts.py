"""What a part of a ledger says of itself, in the metadata of its file; Parquet has checksums for pages alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal
from zlib import crc32

Place = Literal["seen"]
"""A directory beside a run's requests: when a consumer saw the records that were written straight to Kafka."""
SEEN: Place = "seen"
_FACTS, _CRC32 = b"seawall", b"seawall-crc32"


def as_metadata(facts: dict[str, Any]) -> dict[bytes, bytes]:
    """Return *facts* as the metadata of a file."""
    text = json.dumps(facts).encode()
    return {_FACTS: text, _CRC32: b"%d" % crc32(text)}


def facts_of(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return the facts in a file's metadata; raises `ValueError` or `KeyError` where they are damaged or none.

    Files of before 2026-11-29 have no checksum.
    """
    text = metadata[_FACTS]
    if crc32(text) != int(metadata.get(_CRC32, crc32(text))):
        raise ValueError("what it says of itself is not what was written")
    found: dict[str, Any] = json.loads(text)
    return found

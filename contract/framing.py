"""The frame around what was written by a schema of a registry: a zero, and the schema's id in four bytes.

Confluent's wire format, which Apicurio's API and everybody's clients share:
https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from __future__ import annotations

import struct

from contract.errors import InvalidRecord

_frame = struct.Struct(">bI")
FRAME_BYTES = _frame.size
_MAGIC = 0


def frame(schema_id: int) -> bytes:
    """Return what stands before the data."""
    return _frame.pack(_MAGIC, schema_id)


def schema_id_of(value: bytes) -> int:
    """Return the id in the frame of *value*; raises `InvalidRecord` where there is none."""
    if len(value) < FRAME_BYTES or value[0] != _MAGIC:
        raise InvalidRecord("not framed as a schema registry's clients do", malformed=True)
    found: int = _frame.unpack_from(value)[1]
    return found

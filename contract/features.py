"""Where features of reviews are: a topic that is read by key.

A value follows from its review alone, so one that is written again is the same; whoever reads takes one of each key.
"""

from __future__ import annotations

from typing import Any

import msgspec

from contract.topics import PREFIX

TOPIC = PREFIX + "review-features"
"""The key of a message is its review's id as text, the value a JSON object of `Features`."""


class Features(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is found in one review."""

    id: str
    job_id: str
    rating: int
    text: str
    """Without markup and control characters, in Unicode's form NFKC, blanks joined."""
    language: str
    words: int
    quality: float
    """From 0 to 1: enough words, and not one letter over and over."""
    sentiment: str
    score: float
    hour: int
    """Of the day in which it was written, UTC."""
    weekday: int
    """Monday is 0."""
    weekend: bool


_decode = msgspec.json.Decoder(Features).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def canonical(value: bytes | dict[str, Any]) -> bytes:
    """Return features in one form whatever wrote them; raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    return _encode(msgspec.convert(value, Features) if isinstance(value, dict) else _decode(value))

"""Positions in the log: how far a subscriber has come in each partition, as text that a client can keep.

``orders.12.40.7~users.3.0.1`` says that the next records are those at the offsets 12, 40 and 7 of the partitions 0, 1
and 2 of the topic of orders, and so on. The text needs no escaping in an address, and grows with the partitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from contract.entities import ENTITIES
from workers.feed.errors import BadSubscription

Positions = Mapping[str, tuple[int, ...]]
"""For each entity the next offset of each partition, from partition 0 on."""

_PART = re.compile(r"([a-z_-]{1,100})((?:\.[0-9]{1,19}){1,1000})", re.ASCII)
_LONGEST = 32_768


def text_of(positions: Positions, entities: Iterable[str]) -> str:
    """Return the positions of *entities* as text."""
    return "~".join(f"{name}.{'.'.join(map(str, positions[name]))}" for name in entities)


def positions_of(text: str, entities: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return what `text_of` wrote of *entities*.

    Raises `BadSubscription` where it is no such text, or of another feed: one that did not hold all of them.
    """
    found = {}
    for part in text[: _LONGEST + 1].split("~"):
        matched = _PART.fullmatch(part)
        if matched is None or matched[1] not in ENTITIES or len(text) > _LONGEST:
            raise BadSubscription("after: no position of this feed; send the `id` of the last event that arrived")
        offsets = tuple(int(offset) for offset in matched[2][1:].split("."))
        if max(offsets) >= 1 << 63:
            raise BadSubscription("after: no position of this feed; an offset is too large")
        found[matched[1]] = offsets
    missing = [name for name in entities if name not in found]
    if missing:
        raise BadSubscription(f"after: the position is of a feed without {', '.join(missing)}; subscribe to that one")
    return {name: found[name] for name in entities}

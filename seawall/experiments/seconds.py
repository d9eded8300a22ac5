"""Cuts a trial into seconds, for its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from seawall.audit.ledger import Int64s
from seawall.result.second import Reached, Second

MOST_MOMENTS = 60
"""So many make a smooth line; more would only make the result larger."""


def seconds_of(start_ns: int, due_ns: Int64s, took_ns: Int64s) -> list[Second]:
    """Return median and p95 of *took_ns* by the second after *start_ns* in which each was due.

    Both have shape ``(records,)``, monotonic ns and ns; what was due before the start is left out, and so are seconds
    in which nothing was.
    """
    place = (due_ns - start_ns) // 1_000_000_000
    order = np.argsort(place, kind="stable")
    order = order[place[order] >= 0]
    found, edges = np.unique(place[order], return_index=True)
    parts = pairwise([*edges.tolist(), len(order)])
    return [
        Second(
            at_s=int(second) + 0.5,
            samples=high - low,
            p50_ms=round(float(np.quantile(took_ns[order[low:high]], 0.5)) / 1e6, 3),
            p95_ms=round(float(np.quantile(took_ns[order[low:high]], 0.95)) / 1e6, 3),
        )
        for second, (low, high) in zip(found, parts, strict=True)
    ]


def reached(steps: Sequence[tuple[int, int]], first_ns: int) -> list[Reached]:
    """Return some of *steps*, monotonic ns and how many were done then, from 0 at *first_ns* to the last of them."""
    return [Reached(at_s=0.0, done=0), *_some(steps, first_ns)] if steps else []


def _some(steps: Sequence[tuple[int, int]], first_ns: int) -> Iterator[Reached]:
    each = max(1, -(-len(steps) // MOST_MOMENTS))
    for at_ns, done in [*steps[each - 1 : -1 : each], steps[-1]]:
        yield Reached(at_s=round(max(0, at_ns - first_ns) / 1e9, 3), done=done)

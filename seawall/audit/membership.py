"""Finds ids among sorted ids; at ten million of them this costs a fraction of `numpy.isin`, which sorts both sides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seawall.audit.ledger import Int64s, UInt64s

Bools = npt.NDArray[np.bool_]


def places(low: UInt64s, ordered: UInt64s) -> tuple[Int64s, Bools]:
    """Return for each id its first place in *ordered*, and whether it is there; a place without the id means nothing.

    Fast where *low* is nearly sorted too, as ids of a run in the order of time are.
    """
    if not len(ordered):
        return np.zeros(len(low), dtype=np.int64), np.zeros(len(low), dtype=np.bool_)
    place = np.searchsorted(ordered, low)
    np.minimum(place, len(ordered) - 1, out=place)
    return place, ordered[place] == low


def among(low: UInt64s, ordered: UInt64s) -> Bools:
    """Tell which ids are in *ordered*."""
    return places(low, ordered)[1]


def is_sorted(low: UInt64s) -> bool:
    """Tell whether no id is smaller than the one before it."""
    return bool((low[1:] >= low[:-1]).all())

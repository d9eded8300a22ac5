"""How a ledger's status tells apart what the service answered, what that means, and what the user made of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

OVERRULED = 1000
"""Added to the status of a request that its user called a failure in spite of a 2xx, or a success in spite of another.

A user says so by Locust's ``catch_response``; a redirect that is not followed is a success to Locust, too.
"""
DENIED = 2000
"""Added to the status of a refusal whose problem document says that nothing was stored. Other failures of a server
leave open what became of the record; this one does not, and a row that is there all the same was never to be."""
_REFUSALS = (429, 503)
_NOT_STORED = b'"outcome":"not-stored"'

Bools = npt.NDArray[np.bool_]


class Statuses(NamedTuple):
    """Recorded statuses in their parts, shape ``(requests,)`` each."""

    answered: npt.NDArray[np.uint16]
    """HTTP's status; 0 where no answer came."""
    overruled: Bools
    denied: Bools

    @property
    def succeeded(self) -> Bools:
        """Which requests succeeded, as their users say."""
        found: Bools = ((self.answered >= 200) & (self.answered < 300)) ^ self.overruled  # noqa: PLR2004 - HTTP
        return found


def recorded_status(status: int, *, failed: bool, content: bytes = b"") -> int:
    """Return what a ledger keeps: the status, whether the user contradicts it, and what the answer's *content* says."""
    if failed == (200 <= status < 300):  # noqa: PLR2004 - HTTP
        return status + OVERRULED
    return status + DENIED if status in _REFUSALS and _NOT_STORED in content else status


def parted(recorded: npt.NDArray[np.uint16]) -> Statuses:
    """Take recorded statuses apart."""
    words = recorded // OVERRULED
    return Statuses(recorded % OVERRULED, (words & 1).astype(np.bool_), (words & 2).astype(np.bool_))

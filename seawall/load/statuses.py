"""How a ledger's status tells apart what the service answered and what the user made of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

OVERRULED = 1000
"""Added to the status of a request that its user called a failure in spite of a 2xx, or a success in spite of another.

A user says so by Locust's ``catch_response``; a redirect that is not followed is a success to Locust, too.
"""


def recorded_status(status: int, *, failed: bool) -> int:
    """Return what a ledger keeps: the status, and whether the user contradicts it."""
    return status if failed != (200 <= status < 300) else status + OVERRULED  # noqa: PLR2004 - HTTP


def succeeded(recorded: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Tell which recorded statuses are of requests that succeeded, as their users say."""
    overruled = recorded >= OVERRULED
    status = np.where(overruled, recorded - OVERRULED, recorded)
    found: npt.NDArray[np.bool_] = ((status >= 200) & (status < 300)) ^ overruled  # noqa: PLR2004 - HTTP
    return found

"""The moments that a run's profile held, and which of them became requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from contract.ids import LOCAL_USER_BITS
from seawall.audit.ledger import Int64s, Ledger
from seawall.experiments.figures import Bools, Window
from seawall.load.pace import Arrival
from seawall.load.profile import Curve
from seawall.load.profiled import times_of
from seawall.load.run_record import RunRecord

CLOCKS_APART_NS = 10_000_000
"""The clocks of two hosts are known to less than that."""


@dataclass(frozen=True)
class Planned:
    """All moments of a profile, shape ``(moments,)``: monotonic nanoseconds, and whether their requests were sent."""

    times_ns: Int64s
    sent: Bools

    @classmethod
    def of(cls, record: RunRecord, ledger: Ledger) -> Planned | None:
        """Tell the moments once more, as the users did; None where the run had no profile, or it never began.

        Times that were converted from another host's clock are off by a little. Requests beyond the first of a task
        have no moment of their own: they are due when they are sent.
        """
        if record.profile is None or not record.first_places:
            return None
        curve, arrival = Curve(record.profile), cast("Arrival", record.arrival)
        scheduled = ledger.intended_ns != ledger.sent_ns
        first_places = np.full(max(record.first_places) + 1, -1, dtype=np.int64)
        for worker, first in record.first_places.items():
            first_places[worker] = first
        user = ledger.user[scheduled].astype(np.int64)
        place = first_places[user >> LOCAL_USER_BITS] + (user & ((1 << LOCAL_USER_BITS) - 1))
        order = np.argsort(place, kind="stable")
        after_ns = (ledger.intended_ns[scheduled] - record.started_ns)[order]
        edges = np.searchsorted(place[order], np.arange(record.places + 1))
        times, sent = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=bool)]
        for number in range(record.places):
            mine = np.fromiter(
                times_of(curve, arrival, seed=record.seed, place=number, places=record.places), dtype=np.int64
            )
            times.append(mine)
            sent.append(_matched(mine, np.sort(after_ns[edges[number] : edges[number + 1]])))
        return cls(np.concatenate(times) + record.started_ns, np.concatenate(sent))

    def unsent_ns(self, window: Window) -> Int64s:
        """Return the moments of *window* that no request was sent for."""
        found: Int64s = self.times_ns[window.holds(self.times_ns) & ~self.sent]
        return found

    def counts(self, window: Window) -> tuple[int, int]:
        """Return how many moments lie in *window*, and for how many of them a request was sent."""
        inside = window.holds(self.times_ns)
        return int(inside.sum()), int((inside & self.sent).sum())


def _matched(moments: Int64s, times: Int64s) -> Bools:
    """Tell which of a user's *moments* became the requests at *times*; both rise.

    A user sends one after the other. Only where one of them is missing between others, such as that of a task which
    raised before it sent anything, each request is that of the nearest moment.
    """
    found = np.zeros(len(moments), dtype=bool)
    sent = len(times)
    if sent <= len(moments) and np.all(np.abs(times - moments[:sent]) < CLOCKS_APART_NS):
        found[:sent] = True
    elif len(moments):
        after = np.clip(np.searchsorted(moments, times), 1, max(1, len(moments) - 1))
        after = np.minimum(after, len(moments) - 1)
        before = np.maximum(after - 1, 0)
        found[np.where(times - moments[before] <= moments[after] - times, before, after)] = True
    return found

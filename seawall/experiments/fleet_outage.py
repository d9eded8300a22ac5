"""Nodes of the cache's cluster that die in the middle of a trial, that with the fleet's users first, and come back."""

from __future__ import annotations

import contextlib
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from contract.fleet import USERS_KEY
from contract.order_journal import Ordered
from seawall.experiments.fault_injection import Injection
from seawall.load.trial import Progress
from seawall.result.cache_fleet import FROM_CACHE, Outage
from seawall.stack.faults.fault import Field, wait_until
from seawall.stack.faults.processes import Ended
from seawall.stack.stack import Stack
from seawall.stack.valkey_cluster import holder_of, is_whole

BEGINS, LASTS = 1 / 3, 1 / 3
"""Of the judged time: when the nodes die after it began, and how long they are away."""
WHOLE_WITHIN_S = 30.0
"""The nodes find each other again within so long a time."""


class NodesAway:
    """So many nodes of the cluster that die at once, stay down, and come back empty (`Disturbance`)."""

    def __init__(self, stack: Stack, count: int) -> None:
        self._stack, self._url = stack, stack.connections.redis_url
        first = holder_of(USERS_KEY, stack.state, self._url)
        others = [name for name, one in stack.state.services.items() if one.kind == "valkey" and name != first]
        self.names = [first, *others][:count]
        self.whole = False
        """Whether all nodes knew of each other again, in time."""
        field = Field(stack, random.Random(0))
        self._ended = [Ended(field, name, signal.SIGKILL) for name in self.names]

    def begin(self) -> None:
        """Kill them."""
        for one in self._ended:
            one.begin()

    def end(self) -> None:
        """Have them started again, and wait until the cluster is whole."""
        for one in self._ended:
            one.end()
        self.whole = wait_until(lambda: is_whole(self._url), WHOLE_WITHIN_S)

    def bite(self) -> str:
        """Return what died."""
        return "; ".join(one.bite() for one in self._ended)


@dataclass
class Away:
    """An outage beside one trial: enter it around the load, and tell it of the load's progress."""

    nodes: NodesAway
    injection: Injection

    @classmethod
    def beside(cls, stack: Stack, count: int, *, warmup_s: float, duration_s: float) -> Away:
        """Plan the death of *count* nodes in a trial of this length."""
        nodes = NodesAway(stack, count)
        return cls(nodes, Injection(nodes, after_s=warmup_s + BEGINS * duration_s, hold_s=LASTS * duration_s))

    def outage(self, orders: Sequence[Ordered], start_ns: int) -> Outage | None:
        """Return what came of it; None where it did not come about."""
        begun_ns, ended_ns = self.injection.made_ns, self.injection.ended_ns
        if begun_ns is None or ended_ns is None or self.injection.error is not None:
            return None
        return outage_of(self.nodes.names, orders, (start_ns, begun_ns, ended_ns), whole=self.nodes.whole)


def outage_of(
    nodes: Sequence[str], orders: Sequence[Ordered], times_ns: tuple[int, int, int], *, whole: bool
) -> Outage:
    """Return what *orders* came to while *nodes* were away and after it.

    *times_ns* are the schedule's start, the outage's begin and its end, monotonic.
    """
    start_ns, begun_ns, ended_ns = times_ns
    meanwhile = [line for line in orders if begun_ns <= line.sent_ns < ended_ns]
    after = [line for line in orders if line.sent_ns >= ended_ns]
    missed = [line.sent_ns for line in after if line.missed]
    again = [line.sent_ns for line in after if line.source == FROM_CACHE and line.sent_ns > max(missed, default=0)]
    return Outage(
        nodes=list(nodes),
        begin_s=round((begun_ns - start_ns) / 1e9, 3),
        end_s=round((ended_ns - start_ns) / 1e9, 3),
        orders=len(meanwhile),
        from_database=sum(bool(line.source) and line.source != FROM_CACHE for line in meanwhile),
        failed=sum(line.status // 100 != 2 for line in meanwhile),  # noqa: PLR2004 - HTTP
        back_s=round((min(again) - ended_ns) / 1e9, 3) if again else None,
        whole=whole,
    )


@contextlib.contextmanager
def away_beside(away: Away | None, goes_on: Callable[[Progress], None]) -> Iterator[Callable[[Progress], None]]:
    """Give what is to hear of the load's progress while *away*, if there is such, does its work."""
    if away is None:
        yield goes_on
        return

    def both(progress: Progress) -> None:
        away.injection.load_goes_on(progress)
        goes_on(progress)

    with away.injection:
        yield both

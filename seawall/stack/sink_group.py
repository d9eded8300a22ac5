"""Which sinks read, as each of them tells on its page of metrics.

Not by asking the cluster about their group: requests to a group's coordinator that a broker's end cuts off abort the
process that sent them (librdkafka 2.16, https://github.com/confluentinc/librdkafka/issues/4605), and a client that has
lost a coordinator once may never find it again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from seawall.stack.errors import Unreachable
from seawall.stack.samples import Samples, read_page
from seawall.stack.state import ServiceState

_PARTITIONS = "seawall_sink_partitions"


class SinkGroup:
    """The sinks of a stack, and the partitions that they share among them."""

    def __init__(self, pages: dict[str, str], partitions: Callable[[], int]) -> None:
        """*pages* has the address of each sink's page by its name; *partitions* counts those of all record topics."""
        self._pages, self._partitions = pages, partitions

    @classmethod
    def of(cls, services: Iterable[tuple[str, ServiceState]], partitions: Callable[[], int]) -> SinkGroup:
        """Return the group of those of *services* that are sinks."""
        return cls({name: one.metrics_url for name, one in services if one.kind == "sink"}, partitions)

    def at_work(self) -> set[str] | None:
        """Return those that read partitions, while every partition has one reader; else None, as while they move.

        One that stands still or has just died is not among them. Raises `KafkaException` where topics are not told.
        """
        reads = {name: count for name, page in self._pages.items() if (count := _partitions_of(page))}
        return set(reads) if sum(reads.values()) == self._partitions() else None

    def is_whole(self, members: int) -> bool:
        """Tell whether *members* read, or as many as there are partitions, and nobody else does."""
        found = self.at_work() if members else set()
        return found is not None and len(found) >= min(members, self._partitions())


def _partitions_of(page: str) -> int:
    with contextlib.suppress(Unreachable):
        return int(Samples.parse(read_page(page), _PARTITIONS).sum(_PARTITIONS))
    return 0

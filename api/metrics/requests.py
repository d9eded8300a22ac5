"""Rate, errors and durations of requests, in plain integers, and the Prometheus metrics that are made of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.lookups.kinds import RECOMMENDATIONS, TOP_PRODUCTS
from api.problems import CROWDED
from contract.entities import ENTITIES
from contract.families import counters, gauges, times
from contract.histogram import Durations

CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
"""How a request ended, by the first digit of its status; ``none`` where the client went before there was an answer."""
LOOKUP, OTHER = "lookup", "other"
"""The `path` of reads, and of what is neither read nor write: probes, documents, and what does not exist."""
FIRST_ERROR = 400
_PROBLEMS = (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 431, 500, 503)
_now_ns = time.perf_counter_ns


class EndpointCounts:
    """The requests of one endpoint."""

    __slots__ = ("begun", "by_class", "durations")

    def __init__(self) -> None:
        self.begun = 0
        self.by_class = [0] * len(CLASSES)
        self.durations = Durations()
        """Of those that were answered and not refused for others: from the request's last byte (or, of a long body, its
        head) to the answer."""

    @property
    def under_way(self) -> int:
        """How many have no answer yet."""
        return self.begun - sum(self.by_class)


class Counted(Protocol):
    """What serves an endpoint."""

    endpoint: EndpointCounts


class RequestCounts(Collector):
    """The requests of one process, by endpoint: path (`sync`, ..., `lookup`, `other`) and entity."""

    def __init__(self, write_paths: Mapping[str, object]) -> None:
        """*write_paths* are those of the service, by name."""
        self.of: dict[tuple[str, str], EndpointCounts] = {}
        self.problems = dict.fromkeys(_PROBLEMS, 0)
        """Answers that were problems, by their status."""
        self._writes = {f"/v1/{path}/{entity}": self._add(path, entity) for path in write_paths for entity in ENTITIES}
        self._reads = {entity.name: self._add(LOOKUP, entity.name) for entity in ENTITIES.values() if entity.lookup}
        self._recommendations = self._add(LOOKUP, RECOMMENDATIONS.name)
        self._top_products = self._add(LOOKUP, TOP_PRODUCTS.name)
        self._other = self._add(OTHER, "")

    def endpoint(self, url_path: str) -> EndpointCounts:
        """Return the counts of the endpoint that *url_path* belongs to."""
        write = self._writes.get(url_path)
        if write is not None:
            return write
        match url_path.split("/"):
            case ["", "v1", name, _] if name in self._reads:
                return self._reads[name]
            case ["", "v1", "users", _, RECOMMENDATIONS.name]:
                return self._recommendations
            case ["", "v1", "analytics", TOP_PRODUCTS.name]:
                return self._top_products
        return self._other

    def reads_below(self, url_path: str) -> EndpointCounts:
        """Return the counts of reads of one record below *url_path*."""
        return self.endpoint(f"{url_path}/-")

    def turned_away(self, status: int) -> None:
        """Count what could not be served: too large, too late, malformed, or one connection too many."""
        self._other.begun += 1
        self._other.by_class[status // 100] += 1
        self.note_problem(status)

    def refused_read(self, url_path: bytes) -> None:
        """Count a read below *url_path* that was refused, since more came than could be served."""
        self.refused(self.reads_below(url_path.decode("latin-1")), CROWDED.status)

    def refused_write(self, serve: Counted, status: int) -> None:
        """Count a write that was refused, since more came than could be served."""
        self.refused(serve.endpoint, status)

    def refused(self, endpoint: EndpointCounts, status: int) -> None:
        """Count what was refused at once, since more came than could be served."""
        endpoint.begun += 1
        endpoint.by_class[status // 100] += 1
        self.note_problem(status)

    def note_problem(self, status: int) -> None:
        """Count a problem's status."""
        self.problems[status] = self.problems.get(status, 0) + 1

    def answered(self, endpoint: EndpointCounts, status: int, begun_ns: int) -> None:
        """Count an answer."""
        endpoint.by_class[status // 100] += 1
        endpoint.durations.observe(_now_ns() - begun_ns)
        if status >= FIRST_ERROR:
            self.note_problem(status)

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted."""
        labels = ["path", "entity"]
        yield counters(
            "seawall_requests",
            "Requests by how they ended: the class of the status, or none where the client went before its answer",
            [*labels, "status"],
            {
                (*endpoint, name): count
                for endpoint, counts in self.of.items()
                for name, count in zip(CLASSES, counts.by_class, strict=True)
            },
        )
        yield times(
            "seawall_request_seconds",
            "How long answers took, from the whole request to the answer",
            labels,
            {endpoint: counts.durations for endpoint, counts in self.of.items()},
        )
        yield gauges(
            "seawall_requests_under_way",
            "Requests that have no answer yet",
            labels,
            {endpoint: counts.under_way for endpoint, counts in self.of.items()},
        )
        yield counters(
            "seawall_problems",
            "Answers that were problem documents, by status",
            ["status"],
            {(str(status),): count for status, count in sorted(self.problems.items())},
        )

    def _add(self, path: str, entity: str) -> EndpointCounts:
        counts = self.of[path, entity] = EndpointCounts()
        return counts

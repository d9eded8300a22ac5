"""Prometheus metrics of the write paths and of admission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.admission import LoopQueue
from api.writes.protocol import WritePath
from contract.families import counters, gauges, sizes, times


class WorkCollector(Collector):
    """Where records wait in one process, for how long, and who is refused for it."""

    def __init__(self, paths: Mapping[str, WritePath], loop_queue: LoopQueue) -> None:
        self._paths, self._loop_queue = paths, loop_queue

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their present values."""
        paths = self._paths
        yield times(
            "seawall_stage_seconds",
            "Stages of writes: a request's wait for a connection and its statement (sync), the first record's wait and"
            " the commit of a batch (grouped), the broker's ack (kafka)",
            ["path", "stage"],
            {(name, stage): found for name, path in paths.items() for stage, found in path.counts.stages.items()},
        )
        yield sizes(
            "seawall_batch_records",
            "Records of the batches that a path commits",
            ["path"],
            {(name,): path.counts.batches for name, path in paths.items() if path.counts.batches is not None},
        )
        yield gauges(
            "seawall_waiting_records",
            "Records that wait: for a connection (sync), for a batch (grouped), for the broker's ack (kafka)",
            ["path"],
            {(name,): path.waiting for name, path in paths.items()},
        )
        refused = {("loop",): self._loop_queue.refused} | {(name,): path.refused for name, path in paths.items()}
        yield counters(
            "seawall_refused",
            "Requests answered with 503 since others had waited too long: for the event loop, or in a path's queue",
            ["queue"],
            refused,
        )
        yield gauges(
            "seawall_loop_late_seconds",
            "By how much the event loop's last tick came late",
            (),
            {(): self._loop_queue.late_s},
        )

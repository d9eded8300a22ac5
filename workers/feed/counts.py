"""What a feed process counts, and the Prometheus metrics that are made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from contract.families import counters, gauges, sizes, times
from contract.histogram import SIZE_BOUNDS, Durations, Histogram

PROTOCOLS = ("websocket", "sse")
BY_CLIENT = "left"
_ENDS = (BY_CLIENT, "going_away", "too_slow", "key_revoked", "source_lost")
_REFUSALS = ("401", "403", "410", "422", "503")


class FeedCounts(Collector):
    """Written by the event loop, read by those that are asked for metrics."""

    def __init__(self) -> None:
        self.connected = dict.fromkeys(PROTOCOLS, 0)
        self.skipped: Callable[[], int] = lambda: 0
        self._ended = dict.fromkeys(_ENDS, 0)
        self._refused = dict.fromkeys(_REFUSALS, 0)
        self._rounds = Histogram(SIZE_BOUNDS)
        self._delays = Durations()
        self._offered = self._resumed = self._sent_records = self._sent_frames = self._aborted = 0

    def ended(self, why: str) -> None:
        """Count a subscription that ended, by the name of its `End` or `BY_CLIENT`."""
        self._ended[why.lower()] += 1

    def refused(self, status: int) -> None:
        """Count a subscription that did not begin."""
        self._refused[str(status)] += 1

    def round(self, records: int) -> None:
        """Count what came at once."""
        self._rounds.observe(records)

    def offered(self, records: int) -> None:
        """Count records that were put into a subscriber's queue as they came."""
        self._offered += records

    def resumed(self, records: int) -> None:
        """Count records that a subscriber had missed and asked for."""
        self._resumed += records

    def sent(self, records: int, waited_ns: int) -> None:
        """Count a frame that was handed to the system, and how long it had waited."""
        self._sent_frames += 1
        self._sent_records += records
        self._delays.observe(waited_ns)

    def aborted(self) -> None:
        """Count a connection that was cut, since it did not even take the word why it ends."""
        self._aborted += 1

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their present values."""
        yield gauges(
            "seawall_feed_subscribers", "Subscribers that are connected", ["protocol"],
            {(name,): count for name, count in self.connected.items()},
        )  # fmt: skip
        yield counters(
            "seawall_feed_ended", "Subscriptions that ended, by the reason", ["reason"],
            {(name,): count for name, count in self._ended.items()},
        )  # fmt: skip
        yield counters(
            "seawall_feed_refused", "Subscriptions that did not begin, by the status of the answer", ["status"],
            {(name,): count for name, count in self._refused.items()},
        )  # fmt: skip
        yield counters(
            "seawall_feed_aborted", "Connections that were cut, as they took nothing any more", (), {(): self._aborted}
        )
        yield sizes("seawall_feed_round_records", "Records that came at once", (), {(): self._rounds})
        yield counters("seawall_feed_skipped", "Messages of the log that hold no record", (), {(): self.skipped()})
        yield counters(
            "seawall_feed_records", "Records by what happened to them, once for each subscriber", ["what"],
            {("offered",): self._offered, ("resumed",): self._resumed, ("sent",): self._sent_records},
        )  # fmt: skip
        yield counters("seawall_feed_frames", "Frames that were sent", (), {(): self._sent_frames})
        yield times("seawall_feed_queue_seconds", "How long a frame waited for its subscriber", (), {(): self._delays})

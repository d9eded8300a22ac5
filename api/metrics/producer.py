"""Prometheus metrics of the Kafka producer, out of what librdkafka says of itself five times a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from contract.families import counters, gauges

_US = 1_000_000
SETTINGS = {"linger.ms": "linger_ms", "batch.size": "batch_size"}
"""What decides on how large batches are, and the labels that show it."""
_DEFAULTS = {"batch.size": 1_000_000}
"""Of librdkafka, where the API names none."""
_SHARES = ("0.5", "0.95", "0.99")


class _Window(msgspec.Struct):
    """Quantiles over the last interval of statistics."""

    p50: int = 0
    p95: int = 0
    p99: int = 0

    def figures(self, per: int = 1) -> dict[str, float]:
        return dict(zip(_SHARES, (self.p50 / per, self.p95 / per, self.p99 / per), strict=True))


class _Broker(msgspec.Struct):
    state: str = ""
    req: dict[str, int] = {}
    nodeid: int = -1
    txerrs: int = 0
    txretries: int = 0
    req_timeouts: int = 0
    rtt: _Window = msgspec.field(default_factory=_Window)
    int_latency: _Window = msgspec.field(default_factory=_Window)


class _Topic(msgspec.Struct):
    batchcnt: _Window = msgspec.field(default_factory=_Window)


class _Statistics(msgspec.Struct):
    msg_cnt: int = 0
    msg_size: int = 0
    txmsgs: int = 0
    tx_bytes: int = 0
    brokers: dict[str, _Broker] = {}
    topics: dict[str, _Topic] = {}


class ProducerCollector(Collector):
    """The queue, the batches and the brokers of one process's producer."""

    def __init__(self, statistics: Callable[[], str], configuration: Mapping[str, object]) -> None:
        """*statistics* returns the last ones, or nothing where there are none; *configuration* is the producer's."""
        self._statistics = statistics
        known = {**_DEFAULTS, **configuration}
        self._settings = tuple(f"{float(str(known[name])):.15g}" for name in SETTINGS)
        self._decode = msgspec.json.Decoder(_Statistics).decode

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their last values."""
        found = self._decode(self._statistics() or "{}")
        brokers = [broker for broker in found.brokers.values() if broker.nodeid >= 0]
        yield gauges(
            "seawall_producer_settings_info", "What the producer was made with; always 1", [*SETTINGS.values()],
            {self._settings: 1},
        )  # fmt: skip
        yield gauges("seawall_producer_queue_records", "Records in the producer's queue", (), {(): found.msg_cnt})
        yield gauges("seawall_producer_queue_bytes", "Their bytes", (), {(): found.msg_size})
        yield counters("seawall_producer_records", "Records that the brokers have acknowledged", (), {(): found.txmsgs})
        requests = sum(broker.req.get("Produce", 0) for broker in found.brokers.values())
        yield counters(
            "seawall_producer_requests", "Requests with records that were sent to brokers", (), {(): requests}
        )
        yield counters("seawall_producer_sent_bytes", "Bytes sent to brokers", (), {(): found.tx_bytes})
        yield counters(
            "seawall_producer_errors",
            "Requests to brokers that failed, were sent again, or had no answer in time",
            ["kind"],
            {
                ("failed",): sum(broker.txerrs for broker in brokers),
                ("retried",): sum(broker.txretries for broker in brokers),
                ("timed_out",): sum(broker.req_timeouts for broker in brokers),
            },
        )
        yield gauges(
            "seawall_producer_brokers_up", "Brokers that the producer is connected to", (),
            {(): sum(broker.state == "UP" for broker in brokers)},
        )  # fmt: skip
        yield gauges(
            "seawall_producer_round_trip_seconds",
            "Round trips to the slowest broker in the last fifth of a second, by quantile",
            ["quantile"],
            _largest([broker.rtt.figures(_US) for broker in brokers]),
        )
        yield gauges(
            "seawall_producer_queue_seconds",
            "How long records waited in the producer before they were sent, at the slowest broker, by quantile",
            ["quantile"],
            _largest([broker.int_latency.figures(_US) for broker in brokers]),
        )
        yield gauges(
            "seawall_producer_batch_records",
            "Records of a batch in the last fifth of a second, of the topic with the largest, by quantile",
            ["quantile"],
            _largest([topic.batchcnt.figures() for topic in found.topics.values()]),
        )


def _largest(windows: list[dict[str, float]]) -> dict[tuple[str, ...], float]:
    """Return for each quantile the largest figure."""
    return {(share,): max((window[share] for window in windows), default=0.0) for share in _SHARES}

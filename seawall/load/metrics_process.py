"""Shows a load to Prometheus: ``python -m seawall.load.metrics_process``, beside the process that makes the load.

The first line of its input says where it listens; each further one is how the run stands. It ends with its input.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from contract.errors import BadApiKeys
from contract.families import counters, gauges, times
from contract.histogram import Durations
from contract.metrics_listener import MetricsListener
from seawall.load.live_wire import Begun, Endpoint, LiveFigures, Place

OUTCOMES = ("PASS", "FAIL", "INCONCLUSIVE", "INVALID")
STATES = ("ready", "spawning", "running", "stopping", "stopped", "missing")


class LoadCollector(Collector):
    """The last figures of a run."""

    def __init__(self) -> None:
        self.figures = LiveFigures(running=False, users=0, users_wanted=0, workers={}, endpoints=[])

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their last values."""
        found, labels = self.figures, ["method", "name"]
        of = {(one.method, one.name): one for one in found.endpoints}
        yield counters(
            "seawall_load_requests", "Requests that were answered, or failed", labels,
            {key: one.requests for key, one in of.items()},
        )  # fmt: skip
        yield counters(
            "seawall_load_failures", "Requests that failed", labels, {key: one.failures for key, one in of.items()}
        )
        yield times(
            "seawall_load_response_seconds",
            "Response times, from the moment a request was due",
            labels,
            {key: _durations(one) for key, one in of.items() if one.buckets},
        )
        plain = (
            ("running", "Whether a test runs", float(found.running)),
            ("users", "Users that there are", found.users),
            ("users_wanted", "Users that there shall be", found.users_wanted),
            ("unsent_requests", "Requests of the run that were due and are not sent", found.unsent),
            ("loop_lag_seconds", "How late (p99) the generator's event loop is", _seconds(found.loop_lag_p99_ms)),
            ("cpu_share", "Share of a core that the busiest process of the generator uses", found.cpu_share),
            ("reconnects", "Connections of the run that had to be opened again", found.reconnects),
        )  # fmt: skip
        for name, says, figure in plain:
            yield gauges(f"seawall_load_{name}", says, (), {} if figure is None else {(): figure})
        yield gauges(
            "seawall_load_start_lag_seconds",
            "How late the run's requests left, by quantile",
            ["quantile"],
            {
                (quantile,): lag_s
                for quantile, lag_ms in (("0.5", found.start_lag_p50_ms), ("0.99", found.start_lag_p99_ms))
                if (lag_s := _seconds(lag_ms)) is not None
            },
        )
        yield gauges(
            "seawall_load_workers", "Worker processes by their state", ["state"],
            {(state,): found.workers.get(state, 0) for state in STATES},
        )  # fmt: skip
        yield gauges(
            "seawall_load_verdict",
            "1 for the verdict of the run as far as it has come, where it is judged",
            ["outcome"],
            {(outcome,): float(found.outcome == outcome) for outcome in OUTCOMES},
        )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1e3


def _durations(endpoint: Endpoint) -> Durations:
    found = Durations()
    found.buckets, found.sum = endpoint.buckets, int(endpoint.response_s * 1e9)
    return found


def main() -> int:
    """Show what comes in, until it ends; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever makes the load, whose end ends the input
    place = msgspec.json.decode(sys.stdin.buffer.readline(), type=Place)
    collector = LoadCollector()
    try:
        listener = MetricsListener(
            place.host,
            place.port,
            [collector],
            Path(place.keys_file) if place.keys_file else None,
            setting="SEAWALL_LOAD_METRICS_HOST",
        )
        listener.start()
    except (OSError, BadApiKeys) as error:
        _answer(Begun(trouble=str(error)))
        return 1
    _answer(Begun(url=listener.url))
    target = Path(place.targets_directory) / f"load-{os.getpid()}.json" if place.targets_directory else None
    if target is not None:
        _register(target, listener.url)
    decode = msgspec.json.Decoder(LiveFigures).decode
    try:
        for line in sys.stdin.buffer:
            collector.figures = decode(line)
    finally:
        if target is not None:
            target.unlink(missing_ok=True)
    return 0


def _register(target: Path, url: str) -> None:
    """Tell the stack's Prometheus where this is; one that is gone needs no word."""
    host = url.removeprefix("http://").removesuffix("/metrics")
    partial = target.with_suffix(".partial")
    try:
        partial.write_bytes(msgspec.json.encode([{"targets": [host], "labels": {"job": "seawall-load"}}]))
        partial.replace(target)
    except OSError as error:
        print(f"the stack's Prometheus could not be told of this run: {error}", file=sys.stderr)


def _answer(begun: Begun) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(begun) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())

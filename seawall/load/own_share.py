"""This process's share of a plain Locust run: its users' load, its recorder, its watch over itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

import gevent
from locust.env import Environment

from seawall.load.health import HealthProbe
from seawall.load.kafka.opening import open_outlet
from seawall.load.options import LoadOptions
from seawall.load.recorder import Recorder
from seawall.load.run import LoadRun
from seawall.load.run_record import Share
from seawall.load.start_lag import StartLag
from seawall.load.traces import LoadTraces

LAST_ANSWERS_S = 5.0
"""How long answers are awaited when a run ends; requests that are unanswered then count as unknown."""
LAST_WORD_S = LAST_ANSWERS_S + 10.0
"""How long the end of a run, a worker's last part included, may take."""


class CountingRecorder(Recorder, Protocol):
    """A recorder that knows how many requests it took, and how late they left."""

    @property
    def start_lag(self) -> StartLag | None:
        """The start lags of what was handed on."""
        ...

    def __len__(self) -> int:
        """Return the number of requests."""
        ...

    def flush(self) -> None:
        """Hand on what is there."""
        ...


class OwnShare:
    """Begins with the first user and ends with the last answer."""

    def __init__(
        self,
        environment: Environment,
        options: LoadOptions,
        worker: int,
        recorder: CountingRecorder,
        *,
        flush_every_s: float,
        on_flush: Callable[[], None] = lambda: None,
    ) -> None:
        self.load = LoadRun(
            seed=options.seed,
            entity=options.entity,
            path=options.path,
            rate_per_s=options.rate_per_s,
            shape=options.shape,
            arrival=options.arrival,
            key_skew=options.key_skew,
            partitions=options.partitions,
            worker_index=worker,
            profile=options.profile,
            places=options.places,
            run=options.run,
            recorder=recorder,
            traces=LoadTraces.of(options.trace_share, options.seed, worker),
        )
        self._environment = environment
        self._worker = worker
        self._recorder = recorder
        self._flush_every_s = flush_every_s
        self._on_flush = on_flush
        self._stop_timeout_s = environment.stop_timeout
        self.load.outlet = open_outlet(environment, self.load)
        self._watch = ExitStack()
        self._probe = self._watch.enter_context(HealthProbe())
        self._flusher = gevent.spawn(self._flush_now_and_then)
        if options.profile is None:
            self.load.open_gate(time.monotonic_ns(), None)

    def stop_sending(self) -> None:
        """End the schedules, once; Locust then waits for the answers under way."""
        if self.load.closed:
            return
        # Locust takes a while to look where its stop was called from; what was due meanwhile is not the load's fault,
        # and neither is what became due since the event loop last turned.
        self.load.finish(min(time.monotonic_ns(), self._probe.last_tick_ns))
        self._stop_timeout_s = self._environment.stop_timeout
        self._environment.stop_timeout = max(self._stop_timeout_s or 0.0, LAST_ANSWERS_S)

    def end(self) -> Share:
        """Hand on the last requests, and return what this process did."""
        self._environment.stop_timeout = self._stop_timeout_s
        close = getattr(self.load.outlet, "close", None)
        if close is not None:
            close()
        if self.load.traces is not None:
            self.load.traces.spans.close()
        self._flusher.kill()
        self._watch.close()
        self._recorder.flush()
        share = self.so_far()
        load = self.load
        if load.profile is not None and load.gate.is_set():
            bounds_ns = [(load.start_ns + begin, load.start_ns + end) for begin, end in load.profile.bounds_ns()]
            share.stage_loop_lag_p99_ms = [self._probe.loop_lag_p99_ms(*bounds) for bounds in bounds_ns]
        return share

    def so_far(self) -> Share:
        """Return what this process has done by now."""
        lag = self._recorder.start_lag
        return Share(
            worker=self._worker,
            host=socket.gethostname(),
            users=self.load.users,
            requests=len(self._recorder),
            unsent=self.load.unsent,
            start_lag=dict(lag.counts) if lag else {},
            health=self._probe.health(connections=self.load.connections, users=self.load.users),
        )

    def _flush_now_and_then(self) -> None:
        while True:
            gevent.sleep(self._flush_every_s)
            self._recorder.flush()
            self._on_flush()

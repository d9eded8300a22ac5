"""One arm of `stream spark`: a job, reviews on a schedule, and what became of each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any

import msgspec

from contract.codecs import JsonCodec
from contract.features import Features
from contract.ids import new_run
from contract.reviews import REVIEWS
from seawall.audit.review_features import FeatureAudit, FeatureReader, Written, audit_features
from seawall.experiments.errors import NotJudged
from seawall.experiments.stream_spark_options import BURST, WARMUP, SparkOptions
from seawall.load.feature_feed import Due, FeatureLoad, FeatureSent, send_features
from seawall.result.spark import KILLED
from seawall.stack.children import last_lines
from seawall.stack.spark import SparkProcess, connector, empty_features, reference, require_spark
from seawall.stack.stack import Stack

_LOOK_S = 0.1
_SAMPLED_S = 0.5
_KILLED_AT = 0.4
"""With this share of the steady reviews done."""


@dataclass
class Worked:
    """What one trial was, as its process tells it, and what the audit found."""

    load: FeatureLoad
    sent: FeatureSent = field(default_factory=FeatureSent)
    steady: FeatureSent = field(default_factory=FeatureSent)
    burst: FeatureSent = field(default_factory=FeatureSent)
    written: list[Written] = field(default_factory=list)
    first_ms: dict[str, int] = field(default_factory=dict)
    """When the features of each review were first produced, wall clock."""
    batches: list[dict[str, Any]] = field(default_factory=list)
    java_bytes: int = 0
    python_bytes: int = 0
    cpu_s: float = 0.0
    started_s: float = 0.0
    killed_at: int = 0
    killed_ms: int = 0
    begun: tuple[int, int] = (0, 0)
    """Monotonic and wall clock of the steady rate's start, ns."""
    audit: FeatureAudit = field(default_factory=FeatureAudit)


class Trial:
    """Runs one *arm* on fresh state and audits it; files and logs go to *place*."""

    def __init__(
        self, stack: Stack, options: SparkOptions, arm: str, place: Path, on_progress: Callable[[int, int], None]
    ) -> None:
        """*on_progress* hears how many reviews were sent and how many are done."""
        self._stack, self._options, self._arm, self._place = stack, options, arm, place
        self._on_progress = on_progress
        self._java_home, self._jars = require_spark(), connector()
        self._sampled_s = 0.0
        self._processes = 0

    def run(self) -> Worked:
        """Carry it out; what stops it stops its process. Raises `NotJudged`, `ServerFailed`, `AuditFailed`."""
        options = self._options
        self._stack.fresh()
        empty_features(self._stack)
        load = FeatureLoad.drawn(
            warmup=WARMUP, steady=options.reviews, burst=BURST, jobs=options.jobs, steps=options.steps,
            simulated_days=options.simulated_days, repeats=options.repeats, seed=options.seed, run=new_run(),
        )  # fmt: skip
        worked = Worked(load)
        codec = JsonCodec()
        lines = reference(codec.encode(REVIEWS, review) for review in load.messages())
        expected = {msgspec.json.decode(line, type=Features).id: line for line in lines}
        self._process = self._start(worked)
        try:
            with FeatureReader(self._stack.connections.kafka) as self._reader:
                self._phase(worked, load.warmup, 0.0, worked.sent)
                worked.begun = (time.monotonic_ns(), time.time_ns())
                kill_at = round(WARMUP + _KILLED_AT * options.reviews) if self._arm == KILLED else 0
                self._phase(worked, load.steady, options.rate_per_s, worked.steady, kill_at)
                self._phase(worked, load.burst, 0.0, worked.burst)
                self._sample(worked)
                worked.cpu_s += self._process.processor_s()
                self._process.stop()
                self._take(worked, self._reader.rest())
                self._hear(worked)
        finally:
            self._process.stop()
            for name in ("checkpoint", "spark"):
                rmtree(self._place / name, ignore_errors=True)
        acked = worked.sent.acked | worked.steady.acked | worked.burst.acked
        worked.audit = audit_features(worked.written, expected, acked)
        return worked

    def _start(self, worked: Worked) -> SparkProcess:
        self._processes += 1
        began_s = time.monotonic()
        process = SparkProcess(
            self._stack,
            f"job-{self._processes}",
            self._place,
            {**self._options.place(), **self._options.job(self._arm)},
            java_home=self._java_home,
            jars=self._jars,
        )
        try:
            process.await_start()
        except BaseException:
            process.stop()
            raise
        worked.started_s = worked.started_s or time.monotonic() - began_s
        return process

    def _phase(
        self, worked: Worked, messages: Sequence[Due], rate_per_s: float, sent: FeatureSent, kill_at: int = 0
    ) -> None:
        """Send *messages* and wait until the features of all are there, or the time is up."""
        stop, kafka = threading.Event(), self._stack.connections.kafka
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(send_features, kafka, messages, rate_per_s, sent, stop)
            try:
                self._await_all(worked, sending, sent, kill_at)
            finally:
                stop.set()

    def _await_all(self, worked: Worked, sending: Future[None], sent: FeatureSent, kill_at: int) -> None:
        deadline_s = None
        while True:
            self._take(worked, self._reader.news(_LOOK_S))
            self._hear(worked)
            done = len(worked.first_ms)
            self._on_progress(len(worked.sent.due_ns) + len(worked.steady.due_ns) + len(worked.burst.due_ns), done)
            if kill_at and done >= kill_at and not worked.killed_at:
                self._kill(worked, done)
            if sending.done():
                sending.result()
                deadline_s = deadline_s or time.monotonic() + self._options.drain_timeout_s
                if sent.acked <= worked.first_ms.keys() or time.monotonic() > deadline_s:
                    return
            if self._process.exit_code is not None:
                raise NotJudged(
                    f"the Spark job ended; the end of {self._process.log}:\n{last_lines(self._process.log)}"
                )
            if time.monotonic() - self._sampled_s > _SAMPLED_S:
                self._sample(worked)

    def _kill(self, worked: Worked, done: int) -> None:
        """Kill all of it while it writes, and start it again on the same checkpoint."""
        worked.cpu_s += self._process.processor_s()
        self._process.kill_all()
        self._take(worked, self._reader.rest())
        worked.killed_at, worked.killed_ms = max(done, len(worked.first_ms)), time.time_ns() // 1_000_000
        self._hear(worked)
        self._process = self._start(worked)

    def _sample(self, worked: Worked) -> None:
        held = self._process.held()
        worked.java_bytes = max(worked.java_bytes, held.java_bytes)
        worked.python_bytes = max(worked.python_bytes, held.python_bytes)
        self._sampled_s = time.monotonic()

    def _take(self, worked: Worked, news: list[Written]) -> None:
        worked.written += news
        for one in news:
            worked.first_ms.setdefault(one.key, one.at_ms)

    def _hear(self, worked: Worked) -> None:
        worked.batches += [line for line in self._process.news() if "batch" in line]

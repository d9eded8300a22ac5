"""The load process of an experiment: one running Locust that makes the load of trial after trial.

``python -m seawall.load.generator API_URL`` reads a `TrialLoad` a line from standard input and writes `Answer` lines to
standard output. The line ``stop`` ends the running trial early; the end of the input ends the process.
"""

from __future__ import annotations

import csv
import gc
import logging
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gevent
import msgspec
import psutil
from gevent.fileobject import FileObjectThread
from gevent.queue import Queue
from locust import events
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner
from locust.stats import PERCENTILES_TO_REPORT, StatsCSV

from contract.ids import Run, new_run
from contract.samples import Shape
from seawall.load.health import HealthProbe
from seawall.load.huge_pages import ask_for_huge_pages
from seawall.load.live_figures import Beside, live_figures
from seawall.load.live_metrics import shown_to_stack
from seawall.load.live_wire import LiveFigures
from seawall.load.pace import Scheduled, Tickets
from seawall.load.recorder import ColumnRecorder
from seawall.load.run import LoadRun
from seawall.load.setup import flush_counts, set_run
from seawall.load.start_lag import StartLag
from seawall.load.trial import Answer, Progress, TrialDone, TrialFailed, TrialLoad
from seawall.load.trial_schedule import moments
from seawall.load.visitors import Habits, user_class

PROGRESS_EVERY_S = 0.25
SILENCE_S = 30.0
"""No answer for so long ends a trial: every user waits for a service that is gone."""
LAST_ANSWERS_S = 10.0
"""How long answers are awaited after the last sending; what is unanswered then counts as unknown."""
MANY_USERS = 1_000
"""So many no longer fit into a processor's caches."""
LEAD_S, LEAD_OF_USER_S = 0.05, 0.0001
"""Between the moment all users are connected and the schedule's start: each user has to draw up its own."""

logger = logging.getLogger(__name__)


class Generator:
    """Runs trials one after the other in one Locust environment."""

    def __init__(self, api_url: str) -> None:
        self._environment = Environment(host=api_url, events=events, catch_exceptions=True)
        self._runner: LocalRunner = self._environment.create_local_runner()
        self._stop_asked = False
        self._standing: Callable[[], Beside] | None = None
        """Tells how the trial that runs stands."""
        self._last: Beside | None = None
        self._metrics = shown_to_stack(api_url, self._figures)

    def close(self) -> None:
        """Show no figures any more."""
        if self._metrics is not None:
            self._metrics.end()

    def stop(self) -> None:
        """End the running trial early."""
        self._stop_asked = True

    def run(self, trial: TrialLoad) -> TrialDone:
        """Make one trial's load and write its ledger and Locust's CSV files."""
        self._stop_asked = False
        # Users and recorder of the last trial hold each other. Once new users are spawned all is frozen, and out of the
        # collector's sight: a megabyte a trial would stay for ever.
        gc.collect()
        run = Run(*trial.run) if trial.run else new_run()
        shape = Shape(trial.record_bytes, trial.compressibility)
        ledger = Path(trial.directory) / f"{trial.name}.parquet"
        start_lag = StartLag() if self._metrics is not None else None
        recorder = ColumnRecorder(ledger, run, trial.seed, shape=shape, start_lag=start_lag)
        load = LoadRun(
            run=run,
            seed=trial.seed,
            entity=trial.entity,
            shape=shape,
            rate_per_s=trial.rate_per_s or 0.0,
            arrival=trial.arrival,
            key_skew=trial.key_skew,
            partitions=trial.partitions,
            recorder=recorder,
            tickets=Tickets(trial.count) if trial.count is not None else None,
            planned_users=trial.users,
            profile=trial.profile,
            places=trial.users,
        )
        set_run(self._environment, load)
        habits = Habits(trial.new_connections, trial.tls, trial.tls_url)
        self._environment.user_classes = [user_class(trial.path, trial.weights, habits)]
        self._runner.start(trial.users, spawn_rate=trial.users)
        if self._runner.spawning_greenlet is not None:
            self._runner.spawning_greenlet.join()
        self._await_connected(load, trial.users)
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not walk it again while the load runs
        if trial.users >= MANY_USERS:
            ask_for_huge_pages()
        start_ns = time.monotonic_ns() + int((LEAD_S + trial.users * LEAD_OF_USER_S) * 1e9)
        end_ns = start_ns + int((trial.warmup_s + trial.duration_s) * 1e9) if load.tickets is None else None
        with HealthProbe() as probe:
            self._standing = partial(_beside, load, recorder, probe)
            if trial.profile is None:
                load.open_gate(start_ns, end_ns)
            else:
                load.follow(start_ns, 0)
            self._await_end(trial, load, recorder)
            self._standing = None
        self._runner.stop()
        gc.unfreeze()
        for error in self._runner.exceptions.values():
            raise ValueError(f"a user failed: {error['msg']}")
        recorder.close()
        flush_counts()
        self._write_locust_csv(ledger.with_suffix(""))
        return TrialDone(
            name=trial.name,
            ledger=str(ledger),
            start_ns=start_ns,
            end_ns=end_ns or time.monotonic_ns(),
            planned=self._planned(trial, load),
            sent=len(recorder),
            cpu_s=probe.cpu_s,
            rss_bytes=psutil.Process().memory_info().rss,
            interrupted=self._stop_asked,
            health=probe.health(connections=load.connections, users=trial.users),
        )

    def _figures(self) -> LiveFigures:
        if self._standing is not None:
            self._last = self._standing()
        return live_figures(self._environment, self._last)

    def _await_connected(self, load: LoadRun, users: int) -> None:
        deadline = time.monotonic() + 30
        while load.waiting < users and time.monotonic() < deadline and not self._stop_asked:
            gevent.sleep(0.01)

    def _await_end(self, trial: TrialLoad, load: LoadRun, recorder: ColumnRecorder) -> None:
        """Wait until every user has had its last answer, then let all go.

        When the grace is over, or a stop is asked, users send no more; what is under way may still be answered.
        """
        group = self._runner.user_greenlets
        close_at = None if load.end_ns is None else load.end_ns / 1e9 + trial.grace_s
        answered, changed_at = 0, time.monotonic()
        while load.resting < len(group):
            load.all_rest.wait(timeout=PROGRESS_EVERY_S)
            now = time.monotonic()
            if len(recorder) != answered:
                answered, changed_at = len(recorder), now
            _answer(Progress(name=trial.name, answered=answered, failed=self._environment.stats.total.num_failures))
            if self._stop_asked or (close_at is not None and now > close_at):
                load.closed = True
            recorder.check()
            if load.closed or now > changed_at + SILENCE_S:
                break
        load.farewell.set()
        group.join(timeout=LAST_ANSWERS_S)

    def _planned(self, trial: TrialLoad, load: LoadRun) -> int:
        if trial.count is not None or load.end_ns is None or trial.rate_per_s is None:
            return trial.count or 0
        if trial.profile is not None:
            return sum(len(list(moments(trial, user, load.start_ns))) for user in range(trial.users))
        schedules = (load.pace_of(user, load.start_ns) for user in range(trial.users))
        return sum(schedule.remaining() for schedule in schedules if isinstance(schedule, Scheduled))

    def _write_locust_csv(self, base: Path) -> None:
        writer = StatsCSV(self._environment, PERCENTILES_TO_REPORT)
        for name, write in (("stats", writer.requests_csv), ("failures", writer.failures_csv)):
            with base.with_name(f"{base.name}_{name}.csv").open("w", newline="", encoding="utf-8") as file:
                write(csv.writer(file))


def _beside(load: LoadRun, recorder: ColumnRecorder, probe: HealthProbe) -> Beside:
    """Return what is known of a trial that goes on."""
    lag = recorder.start_lag_so_far()
    return Beside(
        unsent=load.unsent,
        start_lag_p50_ms=lag.quantile_ms(0.5),
        start_lag_p99_ms=lag.quantile_ms(0.99),
        healths=[probe.health(connections=load.connections, users=load.users)],
    )


_encode = msgspec.json.Encoder().encode


def _answer(answer: Answer) -> None:
    os.write(1, _encode(answer) + b"\n")


def main(api_url: str) -> None:
    """Serve trials until the input ends."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    generator = Generator(api_url)
    commands: Queue = Queue()

    def listen() -> None:
        for line in FileObjectThread(sys.stdin.buffer, "rb"):
            if line.strip() == b"stop":
                generator.stop()
            else:
                commands.put(line)
        generator.stop()
        commands.put(None)

    gevent.spawn(listen)
    while (line := commands.get()) is not None:
        trial = msgspec.json.decode(line, type=TrialLoad)
        try:
            _answer(generator.run(trial))
        except (OSError, StopUser, ValueError) as error:
            _answer(TrialFailed(name=trial.name, reason=str(error)))
    generator.close()


if __name__ == "__main__":
    main(sys.argv[1])

"""The generator of `recording`, a process of its own: the same closed loop with and without the recorder.

``python -m benchmarks.recording_load URL RECORDS PAIRS USERS SEED DIRECTORY`` prints a JSON line a run. The runs are of
one process, in the order A B B A, so that neither a warmer cache nor a slower machine favours one of the two.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import msgspec
from locust import events
from locust.env import Environment
from locust.runners import LocalRunner

from benchmarks.recording_run import RecordingRun
from seawall.load.pace import Tickets
from seawall.load.recorder import ColumnRecorder, NullRecorder
from seawall.load.run import LoadRun
from seawall.load.setup import set_run
from seawall.load.visitors import writer_by


def order_of(pairs: int) -> Iterator[tuple[int, bool]]:
    """Yield the number of the pair and whether to record, A B B A, after a pair 0 to warm up."""
    for pair in range(pairs + 1):
        for recorded in (False, True) if pair % 2 else (True, False):
            yield pair, recorded


def run_once(runner: LocalRunner, users: int, load: LoadRun) -> tuple[float, float]:
    """Send all of the run's tickets, and return the seconds and the processor seconds that it took."""
    environment = runner.environment
    set_run(environment, load)
    environment.user_classes = [writer_by("grouped")]
    runner.start(users, spawn_rate=users)
    while load.waiting < users:
        gevent.sleep(0.01)
    gc.collect()
    gc.freeze()  # as the generator does
    began, cpu_began = time.perf_counter(), time.process_time()
    load.open_gate(time.monotonic_ns(), None)
    load.all_rest.wait()
    elapsed_s = time.perf_counter() - began
    if isinstance(load.recorder, ColumnRecorder):
        load.recorder.close()  # in the generator's time the files are written while requests go on
    cpu_s = time.process_time() - cpu_began
    load.farewell.set()
    runner.user_greenlets.join()
    gc.unfreeze()
    runner.stop()
    return elapsed_s, cpu_s


def main(url: str, records: int, pairs: int, users: int, seed: int, directory: Path) -> None:
    """Make all runs."""
    runner = Environment(host=url, events=events, catch_exceptions=False).create_local_runner()
    for pair, recorded in order_of(pairs):
        load = LoadRun(seed=seed, entity="orders", rate_per_s=0.0, tickets=Tickets(records))
        kept = directory / f"{pair}.parquet"
        load.recorder = ColumnRecorder(kept, load.run, seed) if recorded else NullRecorder()
        elapsed_s, cpu_s = run_once(runner, users, load)
        total = runner.environment.stats.total
        run = RecordingRun(
            pair=pair,
            recorded=recorded,
            requests=total.num_requests,
            failed=total.num_failures,
            elapsed_s=elapsed_s,
            cpu_s=cpu_s,
        )
        print(msgspec.json.encode(run).decode(), flush=True)
        if run.failed:
            return


if __name__ == "__main__":
    _, _url, *_numbers, _directory = sys.argv
    _records, _pairs, _users, _seed = map(int, _numbers)
    main(_url, _records, _pairs, _users, _seed, Path(_directory))

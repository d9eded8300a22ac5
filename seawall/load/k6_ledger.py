"""Makes a run of k6 into a recorded run, with a ledger and `run.json`, as if Locust had made the load.

``python -m seawall.load.k6_ledger DIRECTORY`` reads a `K6Run` as JSON from standard input. What is wrong with k6's file
is said on standard error, with exit code 2.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from contract.ids import Run
from contract.samples import AS_DRAWN
from seawall.load.k6_run import ClockPair, K6Run
from seawall.load.k6_samples import BadSamples, Ids, Int64s, K6Samples, read_samples
from seawall.load.k6_schedule import K6Schedule, k6_schedule, ticks_within
from seawall.load.parts import CODES, DTYPES, Columns, PartFiles
from seawall.load.recorder import Endpoints
from seawall.load.run_record import RunRecord, Share
from seawall.load.start_lag import StartLag
from seawall.load.statuses import DENIED
from seawall.result import InstrumentHealth

PART_ROWS = 100_000
_NS, _US = 1_000_000_000, 1_000
_SLEWING = 500e-6
"""The kernel turns a clock that is to be corrected faster or slower by at most so much."""


def convert(run: K6Run, directory: Path) -> RunRecord:
    """Write ledger and `run.json` of *run* into *directory*; raises `BadSamples`."""
    samples = read_samples(Path(run.csv))
    _check(run, samples)
    load = run.load
    number = ((samples.sent.sequence.astype(np.int64) - 1) * load.users) + samples.sent.user.astype(np.int64)
    began_ms = samples.began_ms if samples.began_ms is not None else run.clock[0].wall_ns / 1e6
    schedule = k6_schedule(began_ms, load.rate_per_s, number, samples.sent_us * _US, samples.dropped_us * _US)
    record = _record(run, samples, schedule)
    endpoints = Endpoints()
    columns = _columns(run, samples, schedule, endpoints, record.ended_ns)
    record.scopes = {
        name: scope for name, scope in zip(samples.endpoint.tolist(), samples.scope.tolist(), strict=True) if scope
    }
    lag = StartLag()
    lag.add(columns["sent_ns"] - columns["intended_ns"])
    record.conclude([_share(run, samples, record, lag)])
    directory.mkdir(parents=True, exist_ok=True)
    files = PartFiles(directory, Run(*load.run), load.seed, AS_DRAWN)
    for part in _parts(columns):
        files.write(part, list(endpoints))
    files.close()
    record.write(directory)
    return record


def _check(run: K6Run, samples: K6Samples) -> None:
    """Raise `BadSamples` where these are not the samples of that run."""
    high = np.uint64(Run(*run.load.run).high)
    if (samples.sent.high != high).any() or (samples.answered.high != high).any():
        raise BadSamples(f"{run.csv} holds ids of another run")
    if len(samples.sent.low) and samples.began_ms is None:
        raise BadSamples(f"{run.csv} does not tell when the scenario began: its script is not k6/ingest.js")
    if len(np.unique(samples.sent.low)) != len(samples.sent.low):
        raise BadSamples(f"{run.csv} holds an id that was sent twice: its script is not k6/ingest.js")


def _columns(run: K6Run, samples: K6Samples, schedule: K6Schedule, endpoints: Endpoints, ended_ns: int) -> Columns:
    """Return the ledger's columns, a row for each request that was sent, in the order of their answers."""
    sent_ns = _monotonic_ns(run.clock, samples.sent_us * _US)
    intended_ns = np.minimum(_monotonic_ns(run.clock, schedule.intended_ns), sent_ns)
    answer, is_there = _places(samples.sent, samples.answered)
    answered_ns, status = np.maximum(sent_ns, ended_ns), np.zeros(len(sent_ns), dtype=np.int64)
    if len(samples.answered_us):
        at_ns = _monotonic_ns(run.clock, samples.answered_us * _US)
        answered_ns = np.maximum(np.where(is_there, at_ns[answer], answered_ns), sent_ns)
        status = np.where(is_there, samples.status[answer], 0)
    _, refused = _places(samples.sent, samples.denied)
    status = np.where(refused & (status != 0), status + DENIED, status)
    found: Columns = {
        "user": samples.sent.user,
        "sequence": samples.sent.sequence,
        "entity": samples.sent.entity,
        "endpoint": np.array([endpoints[name] for name in samples.endpoint], dtype=np.uint8),
        "intended_ns": intended_ns,
        "sent_ns": sent_ns,
        "answered_ns": answered_ns,
        "status": status,
    }
    order = np.argsort(answered_ns, kind="stable")
    return {name: found[name][order].astype(DTYPES[code]) for name, code in CODES.items()}


def _places(wanted: Ids, among: Ids) -> tuple[Int64s, npt.NDArray[np.bool_]]:
    """Return where each wanted id is *among* those, the last place of several, and whether it is."""
    if not len(among.low):
        return np.zeros(len(wanted.low), dtype=np.int64), np.zeros(len(wanted.low), dtype=np.bool_)
    order = np.argsort(among.low, kind="stable")
    ordered = among.low[order]
    place = np.maximum(np.searchsorted(ordered, wanted.low, side="right") - 1, 0)
    return order[place], ordered[place] == wanted.low


def _monotonic_ns(clock: list[ClockPair], wall_ns: Int64s) -> Int64s:
    """Return times of the wall clock on the monotonic one; between two pairs both clocks are taken to run evenly."""
    wall = np.array([pair.wall_ns for pair in clock], dtype=np.int64)
    ahead = wall - np.array([pair.monotonic_ns for pair in clock], dtype=np.int64)
    since = wall_ns - wall[0]  # a float would not hold nanoseconds since 1970
    drift = np.interp(since, np.maximum.accumulate(wall - wall[0]), ahead - ahead[0])
    found: Int64s = since - drift.astype(np.int64) + clock[0].monotonic_ns
    return found


def _record(run: K6Run, samples: K6Samples, schedule: K6Schedule) -> RunRecord:
    load = run.load
    started_ns = int(_monotonic_ns(run.clock, np.array([schedule.start_ns]))[0])
    due_ns = started_ns + int(load.duration_s * _NS)
    ended_ns = due_ns if run.interrupted_ns is None else min(due_ns, max(run.interrupted_ns, started_ns + 1))
    dropped_ns = _monotonic_ns(run.clock, samples.dropped_us * _US) - started_ns
    unsent = np.bincount(np.maximum(dropped_ns, 0) // _NS) if len(dropped_ns) else np.zeros(0, dtype=np.int64)
    unsent_by_s = {second: int(count) for second, count in enumerate(unsent) if count}
    # The last tick and the end of the time may be due at once; more than that is what k6 did not come to.
    missing = ticks_within(ended_ns - started_ns, schedule.period_ns) - len(samples.sent_us) - len(dropped_ns)
    if missing > 1 and run.interrupted_ns is None:
        last = max(0, int(load.duration_s) - 1)
        unsent_by_s[last] = unsent_by_s.get(last, 0) + missing
    return RunRecord(
        tool="k6",
        run_ms=load.run[0],
        run_nonce=load.run[1],
        seed=load.seed,
        entity=load.entity,
        loop="open",
        arrival="uniform",
        rate_per_s=load.rate_per_s / load.users,
        record_bytes=None,
        compressibility=None,
        key_skew=0.0,
        partitions=load.partitions,
        started_at=run.started_at,
        host=run.host,
        started_ns=started_ns,
        all_users_ns=started_ns,
        ended_ns=ended_ns,
        unsent_by_s=unsent_by_s,
    )


def _share(run: K6Run, samples: K6Samples, record: RunRecord, lag: StartLag) -> Share:
    at_ns, used_s = (np.array(values, dtype=np.float64) for values in zip(*run.cpu, strict=True))
    since = at_ns - at_ns[0]
    used = np.interp([record.started_ns - at_ns[0], record.ended_ns - at_ns[0]], since, used_s)
    cpu_s = float(used[1] - used[0])
    seconds = max((record.ended_ns - record.started_ns) / _NS, 1e-9)
    ahead = [pair.wall_ns - pair.monotonic_ns for pair in run.clock]
    gaps_ns = [later.monotonic_ns - earlier.monotonic_ns for earlier, later in pairwise(run.clock)]
    moved_ns = [abs(later - earlier) for earlier, later in pairwise(ahead)]
    steps_ns = [moved - gap * _SLEWING for moved, gap in zip(moved_ns, gaps_ns, strict=True)]
    return Share(
        worker=0,
        host=socket.gethostname(),
        users=run.load.users,
        requests=len(samples.sent_us),
        unsent=sum(record.unsent_by_s.values()),
        start_lag=dict(lag.counts),
        health=InstrumentHealth(
            cpu_share=round(cpu_s / seconds / run.cores, 3), clock_step_ms=round(max(0.0, *steps_ns) / 1e6, 3)
        ),
        clock="wall",
        cpu_s=round(cpu_s, 3),
    )


def _parts(columns: Columns) -> Iterator[Columns]:
    for first in range(0, len(columns["status"]), PART_ROWS):
        yield {name: values[first : first + PART_ROWS] for name, values in columns.items()}


def main(directory: str) -> int:
    """Convert the run that standard input describes, and return the exit code."""
    run = msgspec.json.decode(sys.stdin.buffer.read(), type=K6Run)
    try:
        convert(run, Path(directory))
    except BadSamples as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or directory}: {error.strerror or os.strerror(error.errno or 0)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

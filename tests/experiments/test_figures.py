"""Figures of trials from ledgers made up for the purpose."""

from __future__ import annotations

import numpy as np

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.ledger import Ledger
from seawall.experiments.figures import Window, course_of, unsent_times
from seawall.load.profile import Curve, Profile, Stage
from seawall.load.profiled import times_of
from seawall.load.trial import TrialDone, TrialLoad
from seawall.result import InstrumentHealth

SECOND = 10**9
WINDOW = Window(2 * SECOND, 12 * SECOND)
AT_NS = np.arange(0, 12 * SECOND, SECOND // 200)
RNG = np.random.default_rng(7)


def latencies(shape: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return latencies of about 50 ms times *shape*, with noise, ns."""
    return (shape * RNG.lognormal(0, 0.2, len(AT_NS)) * 50e6).astype(np.int64)


def test_a_settled_run_is_steady() -> None:
    """A slow start within the warm-up does not count."""
    shape = np.where(AT_NS < SECOND, 8.0, 1.0)
    assert course_of(WINDOW, 2.0, AT_NS, latencies(shape)).steady is True


def test_a_queue_that_grows_is_seen_with_its_direction() -> None:
    """From 50 to 150 ms within the judged time."""
    course = course_of(WINDOW, 2.0, AT_NS, latencies(1 + np.maximum(0, AT_NS - 2 * SECOND) / (5 * SECOND)))
    assert course.steady is False
    assert course.drift > 0.5
    assert 60 < course.drift_ms < 140


def test_a_run_with_silent_windows_leaves_it_open() -> None:
    """Where a window has no accepted record nothing can be said of its median."""
    silent = (AT_NS < 5 * SECOND) | (AT_NS >= 7 * SECOND)
    assert course_of(WINDOW, 2.0, AT_NS[silent], latencies(np.ones(len(AT_NS)))[silent]).steady is None


def test_what_a_profile_held_and_nobody_sent_is_told_by_its_time() -> None:
    """Of two users the one sent all of its requests, the other but the first ten: the end of its part is missing."""
    rates = ((1.0, 20.0), (1.0, 200.0))
    stages = tuple(Stage(name="", duration_s=length, from_per_s=rate, to_per_s=rate) for length, rate in rates)
    load = TrialLoad(
        name="t", path="sync", entity="users", users=2, seed=1, directory="", duration_s=2.0, rate_per_s=55.0,
        profile=Profile(name="burst", stages=stages),
    )  # fmt: skip
    assert load.profile is not None
    due = [list(times_of(Curve(load.profile), "uniform", seed=1, place=place, places=2)) for place in (0, 1)]
    sent = [(0, at) for at in due[0]] + [(1, at) for at in due[1][:10]]
    assert [len(mine) for mine in due] == [110, 110]
    intended_ns = 5 * SECOND + np.array([at for _, at in sent], dtype=np.int64)
    nothing = np.zeros(len(sent), dtype=np.bool_)
    ledger = Ledger(
        run=Run(1, 1), seed=1, shape=Shape(), endpoints=("POST /v1/sync/users",),
        user=np.array([user for user, _ in sent], dtype=np.uint32), sequence=np.arange(len(sent), dtype=np.uint32),
        entity=np.full(len(sent), 2, dtype=np.uint8), endpoint=np.zeros(len(sent), dtype=np.uint8),
        intended_ns=intended_ns, sent_ns=intended_ns, answered_ns=intended_ns,
        status=np.full(len(sent), 201, dtype=np.uint16), overruled=nothing, denied=nothing,
    )  # fmt: skip
    done = TrialDone(
        name="t", ledger="", start_ns=5 * SECOND, end_ns=7 * SECOND, planned=220, sent=len(sent), cpu_s=0.0,
        rss_bytes=0, interrupted=False, health=InstrumentHealth(),
    )  # fmt: skip
    assert (unsent_times(load, done, ledger) - 5 * SECOND).tolist() == due[1][10:]

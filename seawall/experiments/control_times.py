"""Controls of the figures: a freeze, a starved generator, two arms that are the same, and two that are not."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from seawall.experiments.comparisons import compare_arms
from seawall.experiments.control_bench import HONEST, LIMITS, ControlBench
from seawall.experiments.control_losses import Verdict
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.load.trial import TrialLoad
from seawall.result import ArmComparison, Outcome

FREEZE_MS, FREEZE_EVERY_MS = 500.0, 5_000.0
FREEZE_TOLERANCE = (0.9, 1.6)
"""How far the p99 may lie from what arithmetic says: little below, more above, as a backlog takes time to be served."""
HIDDEN_BELOW_MS = 200.0
CLOSED_COUNTS = (4_000, 8_000, 16_000)
"""Records of the closed loop; more where a fast service was done before it froze."""

ORDER = "ABBAABBA"
"""Four trials an arm, interleaved so that a machine that grows slower is unfair to neither."""
DELAY_MS, SLOWER_DELAY_MS = 100.0, 110.0
NEAR_10_PERCENT = (1.08, 1.12)
"""The arms' times are the delay and what the service itself takes, o ms: (110 + o) / (100 + o), 1.08 for o = 25."""

BUSY_PROCESSES = 8


def frozen(bench: ControlBench) -> Verdict:
    """Freeze the whole API for half a second, every five seconds, under an open and under a closed loop.

    Of requests that are due evenly, the share (freeze - x) / period is due while more than x of a freeze is left. So
    the response time's 99th percentile is freeze - 0.01 * period, and what the service itself takes. A closed loop
    asks a frozen service once per user, and then waits.
    """
    fault = f"freeze {FREEZE_MS:g}"
    expected_ms = FREEZE_MS - 0.01 * FREEZE_EVERY_MS
    open_loop = bench.load("freeze-open", fault, path="sync", users=100, rate_per_s=1.5, duration_s=10.0, warmup_s=0.5)
    shown_ms = open_loop.response_ms.p99
    hidden_ms, longest_ms = None, 0.0
    for count in CLOSED_COUNTS:
        if longest_ms >= FREEZE_MS * FREEZE_TOLERANCE[0]:
            break
        closed = bench.data("freeze-closed", fault, path="sync", count=count, users=2)
        hidden_ms, longest_ms = closed.response_ms.p99, closed.response_ms.max or 0.0
    if shown_ms is None or hidden_ms is None or longest_ms < FREEZE_MS * FREEZE_TOLERANCE[0]:
        return "no freeze fell into the trials", Outcome.INVALID
    words = (
        f"open loop: p99 {shown_ms:.0f} ms, {expected_ms:.0f} by arithmetic; closed loop: p99 {hidden_ms:.0f} ms,"
        f" though its slowest request took {longest_ms:.0f} ms"
    )
    low, high = (share * expected_ms for share in FREEZE_TOLERANCE)
    return words, Outcome.PASS if low <= shown_ms <= high and hidden_ms < HIDDEN_BELOW_MS else Outcome.FAIL


def starved(bench: ControlBench) -> Verdict:
    """Let the generator share one core with processes that never rest; the service is an honest one."""
    core = min(os.sched_getaffinity(0))
    load = TrialLoad(
        name="starved-1",
        path="sync",
        entity="mixed",
        users=100,
        seed=bench.seed,
        directory=str(bench.directory),
        rate_per_s=6.0,
        duration_s=3.0,
    )
    first = TrialLoad(
        name="starved-0",
        path="sync",
        entity="mixed",
        users=10,
        seed=bench.seed,
        directory=str(bench.directory),
        count=50,
    )
    with contextlib.ExitStack() as held:
        with _on(core):
            generator = held.enter_context(LoadProcess(bench.stack.state.api_url, bench.logs / "starved.log"))
        runner = held.enter_context(TrialRunner(bench.stack, generator, LIMITS, drain_timeout_s=30.0, keep_rows=False))
        bench.run_with(runner, TrialPlan("starved", 0, first))  # its start is not what should be starved
        with _on(core):
            held.enter_context(_busy(BUSY_PROCESSES))
        trial = bench.run_with(runner, TrialPlan("starved", 0, load))
    lag_ms = trial.generator_lag_ms.p99 or 0.0
    words = f"{trial.outcome.value}: {'; '.join(trial.reasons) or f'the generator was not late (p99 {lag_ms:.1f} ms)'}"
    noticed = trial.outcome is Outcome.INVALID and any("generator" in reason for reason in trial.reasons)
    return words, Outcome.PASS if noticed else Outcome.FAIL


def same_against_same(bench: ControlBench) -> Verdict:
    """Compare a path with itself, by the records it stores a second.

    With four trials against four, chance alone sets the arms wholly apart in 2 of 70 orders: 2.9 %. So an alarm has
    to repeat itself in trials of their own to count; by chance it does in 0.08 %.
    """
    bench.warm_up()
    words = []
    for _ in range(2):
        row = _compare(bench, "same", dict.fromkeys("AB", HONEST), count=600, users=20, metric="achieved_per_s")
        words.append(_in_words(row))
        if row.says in ("no difference shown", "equivalent"):
            return "; again: ".join(words), Outcome.PASS
    return "; again: ".join(words), Outcome.FAIL


def ten_percent_apart(bench: ControlBench) -> Verdict:
    """Compare a path with itself and a tenth more delay, by the time that the same records take.

    The delays are some 30 times as long as what the machine adds, whose noise would have to set one of four trials off
    by a tenth of the whole to hide the difference. A miss has to repeat itself, too.
    """
    bench.warm_up()
    arms = {"A": f"delay {DELAY_MS:g}", "B": f"delay {SLOWER_DELAY_MS:g}"}
    words = []
    for _ in range(2):
        row = _compare(bench, "apart", arms, count=800, users=40, metric="duration_s")
        words.append(_in_words(row))
        low, high = NEAR_10_PERCENT
        if row.significant and row.ci_low and row.ci_high and 1 < row.ci_low <= high and row.ci_high >= low:
            return "; again: ".join(words), Outcome.PASS
    return "; again: ".join(words), Outcome.FAIL


def _compare(
    bench: ControlBench, name: str, arms: dict[str, str], *, count: int, users: int, metric: str
) -> ArmComparison:
    """Return the comparison of the two arms (name -> fault) by one metric, over trials of their own."""
    trials = [
        bench.data(f"{name}-{arm}", arms[arm], path="sync", count=count, users=users, arm=f"{name} {arm}")
        for arm in ORDER
    ]
    names = [f"{name} {arm}" for arm in arms]
    return next(row for row in compare_arms(names, trials) if row.metric == metric)


def _in_words(row: ArmComparison) -> str:
    if row.ratio is None or row.ci_low is None or row.ci_high is None:
        return row.says
    return f"{row.says}: {row.ratio:.3f} [{row.ci_low:.3f}, {row.ci_high:.3f}]"


@contextlib.contextmanager
def _on(core: int) -> Iterator[None]:
    """Let processes that are started meanwhile run on one core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    """Keep so many processes busy; they end with this one, however it ends."""
    processes = [
        subprocess.Popen([sys.executable, "-I", "-S", "-c", _SPIN], stdin=subprocess.PIPE, start_new_session=True)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()


_SPIN = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    pass
"""

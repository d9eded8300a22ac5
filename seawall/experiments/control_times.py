"""Controls of the figures: a freeze, a starved generator, two arms that are the same, and two that are not."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from seawall.experiments.comparisons import compare_arms
from seawall.experiments.control_bench import HONEST, LIMITS, ControlBench
from seawall.experiments.control_losses import Verdict
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.load.trial import Progress, TrialLoad
from seawall.result import ArmComparison, Outcome

FREEZE_MS, FREEZE_EVERY_MS = 500.0, 5_000.0
FREEZE = f"freeze {FREEZE_MS:g}"
FREEZE_TOLERANCE = (0.9, 1.6)
"""How far the p99 may lie from what arithmetic says: hardly below, more above, as what has queued up is served late."""
HIDDEN_BELOW_MS = 200.0
CLOSED_COUNTS = (4_000, 8_000, 16_000)
"""Records of the closed loop; more where a fast service was done before it froze."""

ORDER = "ABBAABBA"
"""Four trials an arm, interleaved so that a machine that grows slower is unfair to neither."""
DELAY_MS, SLOWER_DELAY_MS = 100.0, 110.0
NEAR_10_PERCENT = (1.08, 1.12)
"""The arms' times are the delay and what the service itself takes, o ms: (110 + o) / (100 + o), 1.08 for o = 25."""

BUSY_PROCESSES, LOW_PRIORITY, STARVED_S = 4, 10, 3.0
"""At nice 10 beside four at 0, a process gets a fortieth of its core: too little for the load that it has to make."""


def frozen(bench: ControlBench) -> Verdict:
    """Freeze the whole API for half a second, every five seconds, under an open and under a closed loop.

    Of requests that are due evenly, the share (freeze - x) / period is due while more than x of a freeze is left. So
    the response time's 99th percentile is freeze - 0.01 * period, and what the service itself takes. A closed loop
    asks a frozen service once per user, and then waits.
    """
    expected_ms = FREEZE_MS - 0.01 * FREEZE_EVERY_MS
    low_ms, high_ms = (share * expected_ms for share in FREEZE_TOLERANCE)
    shown_ms = _open_loop_p99_ms(bench, high_ms)
    hidden_ms, longest_ms = _closed_loop_p99_ms(bench)
    if shown_ms is None or hidden_ms is None or longest_ms < low_ms:
        return "no freeze fell into the trials", Outcome.INVALID
    words = (
        f"open loop: p99 {shown_ms:.0f} ms, {expected_ms:.0f} by arithmetic; closed loop: p99 {hidden_ms:.0f} ms,"
        f" though its slowest request took {longest_ms:.0f} ms"
    )
    if shown_ms > high_ms or hidden_ms > HIDDEN_BELOW_MS:
        return f"{words}: this machine is too busy to tell", Outcome.INVALID
    return words, Outcome.PASS if shown_ms >= low_ms else Outcome.FAIL


def _open_loop_p99_ms(bench: ControlBench, plausible_ms: float) -> float | None:
    """Return the p99 of a trial on a schedule; of a second one where the machine itself was slow in the first."""
    shown_ms = None
    for _ in range(2):
        trial = bench.load("freeze-open", FREEZE, path="sync", users=60, rate_per_s=1.0, duration_s=10.0, warmup_s=0.5)
        shown_ms = trial.response_ms.p99
        if shown_ms is not None and shown_ms <= plausible_ms:
            break
    return shown_ms


def _closed_loop_p99_ms(bench: ControlBench) -> tuple[float | None, float]:
    """Return the p99 and the longest response time of two users who wait for each answer."""
    hidden_ms, longest_ms = None, 0.0
    for count in CLOSED_COUNTS:
        closed = bench.data("freeze-closed", FREEZE, path="sync", count=count, users=2)
        hidden_ms, longest_ms = closed.response_ms.p99, closed.response_ms.max or 0.0
        if longest_ms >= FREEZE_MS * FREEZE_TOLERANCE[0]:
            break
    return hidden_ms, longest_ms


def starved(bench: ControlBench) -> Verdict:
    """Let the generator share one core with processes that never rest and go first; the service is an honest one."""
    load = TrialLoad(
        name="starved-load",
        path="sync",
        entity="mixed",
        users=200,
        seed=bench.seed,
        directory=str(bench.directory),
        rate_per_s=1.0,
        duration_s=5.0,
    )
    first = msgspec.structs.replace(load, name="starved-start", users=10, rate_per_s=None, duration_s=0.0, count=50)
    with contextlib.ExitStack() as held:
        before = set(psutil.Process().children())
        generator = held.enter_context(LoadProcess(bench.stack.state.api_url, bench.logs / "starved.log"))
        (process,) = set(psutil.Process().children()) - before
        runner = held.enter_context(TrialRunner(bench.stack, generator, LIMITS, drain_timeout_s=30.0, keep_rows=False))
        bench.run_with(runner, TrialPlan("starved", 0, first))  # its start is not what should be starved
        starving = False

        def starve(progress: Progress) -> None:
            nonlocal starving
            bench.on_progress(progress)
            if not starving and progress.answered:
                starving = True
                held.enter_context(_crowd_around(process))

        trial = bench.run_with(runner, TrialPlan("starved", 0, load), starve)
    found = [reason for reason in trial.reasons if "generator" in reason]
    words = f"{trial.outcome.value}: {'; '.join(found) or 'no word of the generator'}"
    return words, Outcome.PASS if trial.outcome is Outcome.INVALID and found else Outcome.FAIL


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

    The delays are some 30 times as long as what a quiet machine adds, so its noise would have to move one of four
    trials by a tenth of the whole to hide the difference, for which it would have to be some ten times as large as it
    is: far less likely than 1 in 1,000. A busy machine gets further trials, up to three times as many, and where their
    interval still holds both 1 and 1.10, nothing can be told on it. A wrong outcome is an interval that leaves out what
    was planted.
    """
    bench.warm_up()
    arms = {"A": f"delay {DELAY_MS:g}", "B": f"delay {SLOWER_DELAY_MS:g}"}
    low, high = NEAR_10_PERCENT
    before = len(bench.trials)
    row = None
    for _ in range(3):
        row = _compare(bench, "apart", arms, count=200, users=10, metric="duration_s", since=before)
        if row.ci_low is None or row.ci_high is None or row.ci_low > high or row.ci_high < low:
            return _in_words(row), Outcome.FAIL
        if row.significant and row.ci_low > 1:
            return _in_words(row), Outcome.PASS
    assert row is not None
    return f"{_in_words(row)}: this machine is too busy to tell", Outcome.INVALID


def _compare(
    bench: ControlBench,
    name: str,
    arms: dict[str, str],
    *,
    count: int,
    users: int,
    metric: str,
    since: int | None = None,
) -> ArmComparison:
    """Return the comparison of the two arms (name -> fault) by one metric.

    It is over eight new trials, and those that the bench has run *since* so many.
    """
    begin = len(bench.trials) if since is None else since
    for arm in ORDER:
        bench.data(f"{name}-{arm}", arms[arm], path="sync", count=count, users=users, arm=f"{name} {arm}")
    names = [f"{name} {arm}" for arm in arms]
    return next(row for row in compare_arms(names, bench.trials[begin:]) if row.metric == metric)


def _in_words(row: ArmComparison) -> str:
    if row.ratio is None or row.ci_low is None or row.ci_high is None:
        return row.says
    return f"{row.says}: {row.ratio:.3f} [{row.ci_low:.3f}, {row.ci_high:.3f}]"


@contextlib.contextmanager
def _crowd_around(process: psutil.Process) -> Iterator[None]:
    """Pin *process* to one core, at a low priority, where others are busy all the time.

    They end after a while, so that it can finish its work, and in any case with this process.
    """
    core = min(os.sched_getaffinity(0))
    process.cpu_affinity([core])
    process.nice(LOW_PRIORITY)
    # Where Linux groups processes by session, their nice values only count within it, and the group's own one counts.
    with contextlib.suppress(OSError):
        Path(f"/proc/{process.pid}/autogroup").write_text(str(LOW_PRIORITY), encoding="ascii")
    command = [sys.executable, "-I", "-S", "-c", _SPIN, str(STARVED_S)]
    crowd = [subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) for _ in range(BUSY_PROCESSES)]
    try:
        for busy in crowd:
            os.sched_setaffinity(busy.pid, {core})
        yield
    finally:
        for busy in crowd:
            busy.kill()
        for busy in crowd:
            busy.communicate()


_SPIN = """
import os, sys, threading, time
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    pass
os._exit(0)
"""

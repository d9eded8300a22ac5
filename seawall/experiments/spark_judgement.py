"""What a trial of `stream spark` came to, and what is claimed of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import msgspec
import numpy as np

from seawall.experiments.figures import quantiles_ms
from seawall.experiments.scenario_target import outcome_if, scenario_target
from seawall.experiments.spark_trial import Worked
from seawall.experiments.stream_spark_options import BURST, SparkOptions
from seawall.result import JudgedTarget, Outcome
from seawall.result.second import Reached
from seawall.result.spark import BASELINE, KILLED, TUNED, SparkFinding
from seawall.targets.verdict import verdict_of_run

MOST_BURST_S = 10.0
MOST_DELAY_MS = 2_000.0
MOST_MEMORY_BYTES = 2 << 30
MOST_STATE = 0.1
ONE_TRIAL = "One trial an arm: how much runs differ is not known."
LOCAL = "The master is local: what is called executor memory is that of one Java with driver and executor in it."
ELSEWHERE = "The executors are elsewhere: memory and processor time are the driver's alone."
_POINTS = 120
_row = partial(scenario_target, scope="spark")


def finding_of(arm: str, worked: Worked, options: SparkOptions) -> SparkFinding:
    """Return the figures of one trial, and its outcome."""
    audit, steady, burst = worked.audit, worked.steady, worked.burst
    first_ns = {key: at_ms * 1_000_000 for key, at_ms in worked.first_ms.items()}
    delays = np.array([first_ns[key] - due for key, due in steady.due_ns.items() if key in first_ns], dtype=np.int64)
    seconds = _until_all(steady.begun_ns, steady.due_ns.keys(), first_ns)
    after = [at_ms for at_ms in worked.first_ms.values() if at_ms > worked.killed_ms]
    acked = worked.sent.acked | steady.acked | burst.acked
    finding = SparkFinding(
        arm=arm,
        settings=options.job(arm),
        master=options.master,
        reviews=len(worked.load.warmup) + len(steady.due_ns) + len(worked.load.burst),
        acknowledged=len(acked),
        messages=worked.sent.messages + steady.messages + burst.messages,
        distinct=audit.distinct,
        written=audit.written,
        repeats=audit.repeats,
        missing=audit.missing,
        phantom=audit.phantom,
        differing=audit.differing,
        dropped_late=sum(batch["dropped_late"] for batch in worked.batches),
        unreadable=sum(batch["unreadable"] for batch in worked.batches),
        seconds=seconds,
        reviews_per_s=round(len(steady.due_ns) / seconds, 3) if seconds else None,
        delay_ms=quantiles_ms(delays),
        burst=BURST,
        burst_s=_until_all(burst.begun_ns, burst.due_ns.keys(), first_ns),
        batches=len(worked.batches),
        batch_ms=statistics.median(batch["took_ms"] for batch in worked.batches) if worked.batches else None,
        state_rows=max((batch["state_rows"] for batch in worked.batches), default=0),
        state_bytes=max((batch["state_bytes"] for batch in worked.batches), default=0),
        java_bytes=worked.java_bytes,
        python_bytes=worked.python_bytes,
        cpu_s=round(worked.cpu_s, 3),
        started_s=round(worked.started_s, 3),
        killed_at=worked.killed_at,
        back_s=round((min(after) - worked.killed_ms) / 1e3, 3) if worked.killed_at and after else None,
        load_late_ms=round(max(worked.sent.latest_ms, steady.latest_ms, burst.latest_ms), 3),
        course=_course(worked),
        state_course=_state_course(worked),
        outcome=Outcome.PASS,
    )
    reasons = [f"{count:,} {name}" for name, count in audit.wrong().items()]
    if reasons and audit.examples:
        reasons.append(f"such as {', '.join(audit.examples)}")
    if finding.acknowledged < finding.reviews:
        reasons.append(f"the log did not acknowledge {finding.reviews - finding.acknowledged:,}")
    if arm == KILLED and not worked.killed_at:
        reasons.append("the job was never killed")
    outcome = Outcome.FAIL if reasons else Outcome.PASS
    return msgspec.structs.replace(finding, outcome=outcome, reasons=reasons)


def _until_all(begun_ns: int, keys: Iterable[str], first_ns: dict[str, int]) -> float | None:
    """Return the seconds until all of *keys* were done; None where they never were."""
    times = [first_ns.get(key) for key in keys]
    done = [at for at in times if at is not None]
    return round((max(done) - begun_ns) / 1e9, 3) if done and len(done) == len(times) else None


def _course(worked: Worked) -> list[Reached]:
    times = sorted(at_ms for key, at_ms in worked.first_ms.items() if key in worked.steady.due_ns)
    step, begun_ms = max(1, len(times) // _POINTS), worked.steady.begun_ns / 1e6
    return [
        Reached(at_s=round((at_ms - begun_ms) / 1e3, 3), done=number)
        for number, at_ms in enumerate(times, start=1)
        if number % step == 0 or number == len(times)
    ]


def _state_course(worked: Worked) -> list[Reached]:
    begun_ns = worked.begun[0]
    return [
        Reached(at_s=round((batch["at_ns"] - begun_ns) / 1e9, 3), done=batch["state_rows"])
        for batch in worked.batches
        if batch["at_ns"] >= begun_ns
    ][-_POINTS:]


def targets_of(findings: Sequence[SparkFinding]) -> Iterator[JudgedTarget]:
    """Yield what is claimed of each arm."""
    base = next((one for one in findings if one.arm == BASELINE), None)
    for one in findings:
        wrong = one.missing + one.phantom + one.differing
        name = "each review's features are there once by key, and equal"
        yield _row(name, "features_wrong", "== 0", one.arm, wrong, outcome_if(wrong == 0))
        if one.arm == TUNED:
            yield from _targets_of_tuned(one, base)


def _targets_of_tuned(one: SparkFinding, base: SparkFinding | None) -> Iterator[JudgedTarget]:
    """Yield what is claimed of the arm with all settings changed, as far as it was measured."""
    share = one.state_bytes / base.state_bytes if base is not None and base.state_bytes else None
    for name, metric, measured, most in (
        (f"{one.burst} reviews at once are done, s", "burst_s", one.burst_s, MOST_BURST_S),
        ("p95 of the delay, ms", "features_delay_ms", one.delay_ms.p95, MOST_DELAY_MS),
        (
            "memory of Java and Python, bytes",
            "features_memory_bytes",
            one.java_bytes + one.python_bytes,
            MOST_MEMORY_BYTES,
        ),
        ("memory of state, as a share of the baseline's", "state_share", share, MOST_STATE),
    ):
        if measured is not None:
            yield _row(name, metric, f"<= {most:,.10g}", one.arm, measured, outcome_if(measured <= most))


def outcome_of(findings: Sequence[SparkFinding], *, whole: bool) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed."""
    return verdict_of_run(
        [one.outcome for one in findings] + [row.outcome for row in targets_of(findings)], whole=whole
    )


def reasons_of(findings: Sequence[SparkFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{one.arm}: {reason}" for one in findings for reason in one.reasons]
    if not findings:
        return found
    return [*found, LOCAL if findings[0].master.startswith("local") else ELSEWHERE, ONE_TRIAL]

"""What a trial of `stream reviews` came to, and what is claimed of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np

from seawall.experiments.figures import quantiles_ms
from seawall.experiments.reviews_trial import Judged
from seawall.experiments.scenario_target import outcome_if, scenario_target
from seawall.result import JudgedTarget, Outcome
from seawall.result.reviews import SINGLE, ReviewsFinding
from seawall.result.second import Reached
from seawall.targets.verdict import verdict_of_run

MOST_LATE_MS = 50.0
"""No deadline is missed by more."""
ONE_TRIAL = "One trial an arm: how much runs differ is not known."
_row = partial(scenario_target, scope="reviews")
_WRONG = ("missing", "phantom", "mislabelled", "unlettered", "both", "misordered")
_POINTS = 120


def finding_of(arm: str, judged: Judged) -> ReviewsFinding:
    """Return the figures of one trial, and its outcome."""
    audit, sent, written = judged.audit, judged.sent, judged.written_ns()
    mine = {identity: at_ns for identity, at_ns in written.items() if identity in sent.due_ns}
    counts: dict[str, int] = judged.batches[-1]["counts"] if judged.batches else {}
    late_ms = [late_of(batch) for batch in judged.batches if batch["why"] == "time"]
    delays = np.array([at_ns - sent.due_ns[identity] for identity, at_ns in mine.items()], dtype=np.int64)
    seconds = None
    if mine and len(mine) >= len(sent.acked):
        seconds = round((max(mine.values()) - sent.begun_ns) / 1e9, 6)
    calls = counts.get("calls", 0)
    finding = ReviewsFinding(
        arm=arm,
        reviews=len(judged.load.reviews),
        jobs=len(judged.load.jobs()),
        acknowledged=len(sent.acked),
        judged=audit.judged,
        buried=audit.buried,
        sentiments=audit.sentiments,
        missing=audit.missing,
        phantom=audit.phantom,
        mislabelled=audit.mislabelled,
        unlettered=audit.unlettered,
        both=audit.both,
        misordered=audit.misordered,
        seconds=seconds,
        reviews_per_s=round(len(mine) / seconds, 3) if seconds else None,
        delay_ms=quantiles_ms(delays),
        calls=calls,
        asked=counts.get("asked", 0),
        partial=counts.get("partial", 0),
        nonsense=counts.get("nonsense", 0),
        throttled=counts.get("throttled", 0),
        refused=counts.get("refused", 0),
        unavailable=counts.get("unavailable", 0),
        breaker_opened=counts.get("breaker_opened", 0),
        error_ratio=round((calls - counts["whole"]) / calls, 4) if calls else None,
        served_calls=judged.served["calls"] if judged.served is not None else None,
        batches=len(judged.batches),
        by_size=sum(batch["why"] == "size" for batch in judged.batches),
        by_time=len(late_ms),
        late=sum(one > MOST_LATE_MS for one in late_ms),
        latest_ms=round(max(late_ms), 3) if late_ms else None,
        memory_bytes=max((batch["memory_bytes"] for batch in judged.batches), default=0),
        cpu_s=round(judged.cpu_s, 3),
        load_late_ms=round(sent.latest_ms, 3),
        course=list(_course(judged)),
        outcome=Outcome.PASS,
    )
    reasons = [f"{count:,} {name}" for name, count in audit.wrong().items()]
    if reasons and audit.examples:
        reasons.append(f"such as {', '.join(audit.examples)}")
    if seconds is None:
        reasons.append("not all was judged in time: --drain-timeout makes it longer")
    if finding.acknowledged < finding.reviews:
        reasons.append(f"the log did not acknowledge {finding.reviews - finding.acknowledged:,}")
    outcome = Outcome.FAIL if reasons else Outcome.PASS
    return msgspec.structs.replace(finding, outcome=outcome, reasons=reasons)


def late_of(batch: dict[str, Any]) -> float:
    """Return how many ms after its deadline a batch was closed."""
    return float(batch["closed_ns"] - batch["due_ns"]) / 1e6


def _course(judged: Judged) -> Iterator[Reached]:
    done, step = 0, max(1, len(judged.batches) // _POINTS)
    for number, batch in enumerate(judged.batches, start=1):
        done += len(batch["written"]) + len(batch["buried"])
        if number % step == 0 or number == len(judged.batches):
            yield Reached(at_s=round((batch["at_ns"] - judged.sent.begun_ns) / 1e9, 3), done=done)


def targets_of(findings: Sequence[ReviewsFinding]) -> Iterator[JudgedTarget]:
    """Yield what is claimed of each arm."""
    alone = next((one for one in findings if one.arm == SINGLE), None)
    for one in findings:
        wrong = sum(getattr(one, name) for name in _WRONG if name != "misordered")
        name = "each review has one result or one dead letter"
        yield _row(name, "reviews_wrong", "== 0", one.arm, wrong, outcome_if(wrong == 0))
        name = "results are written in the order of their job"
        yield _row(name, "reviews_misordered", "== 0", one.arm, one.misordered, outcome_if(one.misordered == 0))
        if one.by_time:
            name = f"deadlines missed by more than {MOST_LATE_MS:.0f} ms"
            yield _row(name, "reviews_late", "== 0", one.arm, one.late, outcome_if(one.late == 0))
        if alone is not None and one is not alone and alone.calls and one.calls:
            share = one.calls / alone.calls
            name = "calls, as a share of those one by one"
            yield _row(name, "reviews_calls_share", "< 1", one.arm, share, outcome_if(share < 1))


def outcome_of(findings: Sequence[ReviewsFinding], *, whole: bool) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed."""
    return verdict_of_run(
        [one.outcome for one in findings] + [row.outcome for row in targets_of(findings)], whole=whole
    )


def reasons_of(findings: Sequence[ReviewsFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{one.arm}: {reason}" for one in findings for reason in one.reasons]
    found += [
        f"{one.arm}: {one.late:,} of {one.by_time:,} deadlines were missed by more than {MOST_LATE_MS:.0f} ms,"
        f" by {one.latest_ms:.0f} at most: the worker did not get a processor in time"
        for one in findings
        if one.late and one.latest_ms is not None
    ]
    return [*found, ONE_TRIAL] if findings else found

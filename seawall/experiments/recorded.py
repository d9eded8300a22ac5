"""A plain run of Locust or k6, judged from what was recorded of it: ledger and `run.json`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from seawall.audit.fates import write_fates
from seawall.experiments.judgement import arm_verdicts, judge_arms, unjudged
from seawall.experiments.machine import machine_facts
from seawall.experiments.recorded_audit import NOT_AUDITED, NOT_YET_AUDITED, RecordedAudit, Said, audited_run, unheard
from seawall.experiments.recorded_stages import interrupted_words, judged_stages
from seawall.experiments.recorded_trial import Recorded, Standard, recorded_trial
from seawall.load.profile import Profile
from seawall.load.run_record import RunRecord
from seawall.result import Arm, Outcome, Result, Trial
from seawall.stack.stack import Stack

KAFKA = "kafka://"
"""What the host of a run begins with that wrote straight to Kafka."""


def judged_run(
    recorded: Recorded,
    standard: Standard,
    stack: Stack | None,
    ledger_place: str,
    said: Said = unheard,
    *,
    arm: Arm | None = None,
    interrupted: bool = False,
) -> Result:
    """Return the whole result of a recorded run; audited where *stack* is what was loaded.

    *ledger_place* leads from the result's directory to that of the run; *said* hears how far the audit is. *arm* says
    what was loaded, where more is known than an address.
    """
    audit = audit_of(recorded, stack, said)
    result = judged_so_far(recorded, standard, audit, arm=arm, interrupted=interrupted)
    versions = stack.versions if stack else {}
    settings = stack.settings() if stack else {}
    return msgspec.structs.replace(
        result,
        environment={**machine_facts(), "servers": versions},
        arms=result.arms if arm else [msgspec.structs.replace(one, settings=settings) for one in result.arms],
        trials=[msgspec.structs.replace(result.trials[0], ledger=ledger_place), *result.trials[1:]],
    )


def judged_so_far(
    recorded: Recorded,
    standard: Standard,
    audit: RecordedAudit = NOT_YET_AUDITED,
    *,
    arm: Arm | None = None,
    interrupted: bool = False,
) -> Result:
    """Return what ledger and *audit* say of a run, with nothing asked of machine or servers."""
    record, targets, attain = recorded.record, standard.targets, standard.attain
    arm = arm or Arm(
        name=urlsplit(record.host).netloc or record.host or "the service",
        path="kafka" if record.host.startswith(KAFKA) else "http",
        durability="as the service promises",
    )
    trial = recorded_trial(recorded, arm.name, standard, audit, interrupted=interrupted)
    found = judged_stages(recorded, trial, standard, audit)
    if found.stages:
        judged = found.targets
        verdicts = {arm.name: found.outcome(trial, running=recorded.running)}
    else:
        judged = judge_arms(targets, [arm.name], [trial], attain=attain)
        verdicts = arm_verdicts(judged, [trial])
    return Result(
        experiment=record.tool,
        started_at=record.started_at,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=record.seed,
        outcome=verdicts.get(arm.name, Outcome.INVALID),
        interrupted=interrupted,
        reasons=[*interrupted_words(recorded, found.stages), *_remarks(recorded, trial)],
        options=_options(record, standard),
        arms=[arm],
        trials=[trial, *found.trials],
        targets=judged,
        verdicts=verdicts or {arm.name: Outcome.INVALID},
        audit=audit.note,
        not_judged=unjudged(targets, [trial], attain=attain),
        stages=found.stages,
    )


def audit_of(recorded: Recorded, stack: Stack | None, said: Said = unheard) -> RecordedAudit:
    """Hold a run against tables and log of the *stack* that it loaded; what became of each record is kept beside it."""
    audit = audited_run(recorded.ledger, recorded.record, stack, said) if stack else NOT_AUDITED
    if audit.visible_ns is not None and audit.partition is not None:
        write_fates(recorded.directory, audit.visible_ns, audit.partition)
    return audit


def _remarks(recorded: Recorded, trial: Trial) -> Iterator[str]:
    """Say what a reader of the figures should know."""
    record, ledger = recorded.record, recorded.ledger
    before = int((ledger.intended_ns < record.started_ns + int(trial.warmup_s * 1e9)).sum())
    if before:
        yield f"the first {trial.warmup_s:.1f} s with {before:,} requests are not judged: not all users were there"
    whole = trial.end_to_end_ms
    if whole.samples:
        known = ((name, getattr(whole, name)) for name in ("p50", "p95", "p99"))
        times = ", ".join(f"{name} {value_ms:.1f} ms" for name, value_ms in known if value_ms is not None)
        yield f"end to end, from the intended time until a consumer had the record: {times} ({whole.samples:,} records)"
    if recorded.seen is not None and (missed := int((~recorded.seen.accepted).sum())):
        yield f"{missed:,} acknowledged records were not seen by the consumer before the run's end"
    if record.exceptions:
        first, count = next(iter(record.exceptions.items()))
        yield f"users raised {sum(record.exceptions.values()):,} exceptions, {count:,} times {first}"
    yield from _workers(record)
    if record.loop == "closed":
        yield "closed loop: a slow service was asked less often, and response times count from the sending"
    if record.unsent and len(trial.scopes) > 1:
        yield f"requests that were not sent ({record.unsent:,}) are divided among scopes as the others are"


def _workers(record: RunRecord) -> Iterator[str]:
    """Say what was special about workers of a distributed run."""
    for share in record.processes:
        name = f"worker {share.worker} ({share.host})"
        if share.joined_s is not None:
            yield f"{name} joined {share.joined_s:.1f} s after the start, and took over users of the others"
        if share.clock_error_ms is not None and share.clock_ahead_ms is not None:
            how = f"{abs(share.clock_ahead_ms):.3f} ms {'ahead' if share.clock_ahead_ms > 0 else 'behind'}"
            yield f"{name} has a clock of its own, {how}, known to {share.clock_error_ms:.3f} ms: times were converted"
        elif share.clock != "shared":
            yield f"times of {name} were converted by the wall clocks of both hosts, as good as these agree"
    yield from record.refused


def _options(record: RunRecord, standard: Standard) -> dict[str, Any]:
    return {
        "host": record.host,
        "loop": record.loop,
        "arrival": record.arrival,
        "rate": record.rate_per_s,
        "users": record.users,
        "processes": len(record.processes),
        "scopes": record.scopes,
        "targets": Path(standard.targets.source_name).name,
        "attain": standard.attain,
        "judge_from_s": standard.skip_s,
        **(_shape(record.profile) if record.profile else {}),
    }


def _shape(profile: Profile) -> dict[str, Any]:
    longest = max(stage.duration_s for stage in profile.stages if stage.judged)
    return {"shape": profile.name, "peak_rate": profile.peak_per_s, "stage_time_s": longest}

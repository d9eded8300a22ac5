"""The figures of a recorded run, or of a part of it: what ledger, `run.json` and audit say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seawall.audit.ledger import Int64s, Ledger, read_ledger
from seawall.experiments.errors import NotRecorded
from seawall.experiments.figures import (
    Window,
    quantiles_ms,
    response_time,
    visible_delay,
    windows_available,
)
from seawall.experiments.planned import Planned
from seawall.experiments.recorded_audit import RecordedAudit
from seawall.experiments.scope_figures import LimitsOf, loosest_limits, spoilt, with_parts
from seawall.experiments.validity import Limits, shortcomings
from seawall.load.part_facts import SEEN
from seawall.load.run_record import FILE_NAME, RunRecord
from seawall.result import InstrumentHealth, Outcome, Quantiles, Trial
from seawall.targets.metrics import Scope
from seawall.targets.target import Targets

MOST_CLOCK_STEP_MS = 1.0
"""By so much more than by slewing the wall clock may move against the monotonic one between two looks."""
_HALF_A_SECOND_NS = 500_000_000


@dataclass(frozen=True)
class Recorded:
    """What lies in a directory that `locust --record` wrote, or that a run of k6 was made into."""

    directory: Path
    record: RunRecord
    ledger: Ledger
    running: bool = False
    """It goes on: all of this is as far as it has come."""
    seen: Ledger | None = None
    """When a consumer saw records that were written straight to Kafka; None where none looked."""
    planned: Planned | None = None
    """What the profile of the run held; None where it had none."""

    @classmethod
    def read(cls, directory: Path) -> Recorded:
        """Read it; raises `NotRecorded` where it is not whole."""
        try:
            record = msgspec.json.decode((directory / FILE_NAME).read_bytes(), type=RunRecord)
        except OSError as error:
            raise NotRecorded(f"{directory / FILE_NAME} cannot be read: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotRecorded(f"{directory / FILE_NAME} is no record of a run: {error}") from None
        if not record.ended_ns:
            raise NotRecorded(f"{directory} was recorded by an earlier Seawall, which did not keep when the run ended")
        seen = directory / SEEN
        watched = any(seen.glob("part-*.parquet"))
        ledger = read_ledger(directory)
        planned = Planned.of(record, ledger)
        return cls(directory, record, ledger, seen=read_ledger(seen) if watched else None, planned=planned)

    @classmethod
    def so_far(cls, directory: Path, record: RunRecord, ledger: Ledger) -> Recorded:
        """Return a run that goes on: it ends, for now, with the last request that is in the *ledger*."""
        last_ns = int(ledger.sent_ns.max()) if len(ledger.sent_ns) else record.started_ns
        record = msgspec.structs.replace(record, ended_ns=last_ns)
        return cls(directory, record, ledger, running=True, planned=Planned.of(record, ledger))

    def window(self, skip_s: float) -> Window:
        """Return what is judged: from when all users were there, and not before *skip_s*, to the end.

        Where they never were, or *skip_s* leaves nothing, that is the whole run, which is then invalid.
        """
        record = self.record
        begin_ns = max(record.all_users_ns or record.started_ns, record.started_ns + int(skip_s * 1e9))
        return Window(begin_ns if begin_ns < record.ended_ns else record.started_ns, record.ended_ns)


@dataclass(frozen=True)
class Standard:
    """What a run is held to."""

    targets: Targets
    attain: bool = False
    """Whether the targets of the set ``attain`` are meant, too."""
    skip_s: float = 0.0
    """So much after the start is left out, where all users are there earlier than that."""


def recorded_trial(
    recorded: Recorded,
    arm: str,
    standard: Standard,
    audit: RecordedAudit,
    *,
    name: str = "",
    block: int = 0,
    interrupted: bool = False,
    window: Window | None = None,
    stage: int | None = None,
) -> Trial:
    """Return the figures of a recorded run, and why they say nothing, if so; it is named after its tool by default.

    With a *window* they are those of this part of it, which is one of its stages where the number of that is given.
    """
    record, ledger = recorded.record, recorded.ledger
    window = window or recorded.window(standard.skip_s)
    judged = window.holds(ledger.intended_ns)
    duration_s = max(window.seconds, 1e-9)
    requests, succeeded = int(judged.sum()), judged & ledger.succeeded
    records = judged & (ledger.entity != 0)
    visible_ns = audit.visible_ns
    unsent_ns = _unsent_times(recorded, window)
    unsent = len(unsent_ns) if record.unsent_by_s or recorded.planned else record.unsent
    windows, available = windows_available(ledger, window, unsent_ns)
    status = ledger.status
    response = response_time(ledger, judged, unsent)
    trial = Trial(
        name=name or record.tool,
        kind="load",
        arm=arm,
        block=block,
        entity=record.entity if audit.ran else "requests",
        started_at=record.started_at,
        users=record.users,
        schedule_start_ns=record.started_ns,
        warmup_s=(window.start_ns - record.started_ns) / 1e9,
        offered_per_s=None if record.loop == "closed" else round((requests + unsent) / duration_s, 3),
        achieved_per_s=round(int(succeeded.sum()) / duration_s, 3),
        requests=requests,
        unsent=unsent,
        failed=requests - int(succeeded.sum()) + unsent,
        status_4xx=int((judged & (status // 100 == 4)).sum()),  # noqa: PLR2004 - HTTP
        status_5xx=int((judged & (status // 100 == 5)).sum()),  # noqa: PLR2004 - HTTP
        no_answer=int((judged & (status == 0)).sum()),
        duration_s=round(duration_s, 6),
        response_ms=response,
        service_ms=quantiles_ms((ledger.answered_ns - ledger.sent_ns)[succeeded]),
        start_lag_ms=quantiles_ms((ledger.sent_ns - ledger.intended_ns)[judged]),
        generator_lag_ms=quantiles_ms(ledger.generator_lag_ns[judged]),
        instrument=_worst_health(record, stage),
        **_processor_use(record),
        windows=windows,
        windows_available=available,
        audited=audit.ran,
        audit=audit.counts,
        examples=audit.examples,
        end_to_end_ms=_end_to_end(recorded.seen, window),
    )
    if visible_ns is not None:
        trial = msgspec.structs.replace(
            trial, visible_ms=visible_delay(ledger, visible_ns, records), visible_by=audit.visible_by
        )
    is_stage = stage is not None
    limits_of = partial(_limits_of, standard.targets, steady=recorded.planned is None or is_stage, silent=is_stage)
    trial = with_parts(trial, ledger, window, record.scopes, limits_of, unsent_ns)
    return _with_outcome(trial, recorded, audit, limits_of, interrupted=interrupted)


def _with_outcome(
    trial: Trial, recorded: Recorded, audit: RecordedAudit, limits_of: LimitsOf, *, interrupted: bool
) -> Trial:
    record = recorded.record
    limits = replace(loosest_limits(trial, limits_of), silent=limits_of(Scope.WRITE).silent)
    everywhere = shortcomings(trial, limits, interrupted=interrupted)
    if not trial.requests and not (limits.silent and trial.unsent):
        everywhere = ["no request was sent" if not record.requests else "no request was due in the judged time"]
    if record.all_users_ns is None:
        how = "goes on, and not all users are there yet" if recorded.running else "ended before all users were there"
        everywhere.insert(0, f"the run {how}")
    if not all(share.complete for share in record.processes):
        everywhere.append("a worker ended without its last word")
    everywhere += _clock_steps(record)
    parts = spoilt(trial.scopes, everywhere)
    outcome = Outcome.FAIL if audit.wrong else Outcome.INVALID if everywhere else Outcome.PASS
    return msgspec.structs.replace(
        trial, scopes=parts, invalid_because=everywhere, outcome=outcome, reasons=[*audit.wrong, *everywhere]
    )


def _unsent_times(recorded: Recorded, window: Window) -> Int64s:
    """Return about when the requests of the judged time were due that were not sent.

    Where nobody noted when, they are spread over its end: of each user's schedule it is the end that is missing.
    """
    record = recorded.record
    if recorded.planned is not None:
        return recorded.planned.unsent_ns(Window(window.start_ns, min(window.end_ns, record.ended_ns)))
    if record.unsent_by_s:
        seconds = np.repeat(list(record.unsent_by_s), list(record.unsent_by_s.values()))
        due_ns = np.minimum(record.started_ns + seconds * 1_000_000_000 + _HALF_A_SECOND_NS, record.ended_ns - 1)
        found: Int64s = due_ns[window.holds(due_ns)]
        return found
    if not record.unsent or not record.rate_per_s:
        return np.zeros(0, dtype=np.int64)
    length_ns = record.unsent / (record.rate_per_s * max(1, record.users)) * 1e9
    begin_ns = max(window.start_ns, window.end_ns - int(length_ns))
    return np.linspace(begin_ns, window.end_ns, record.unsent, endpoint=False).astype(np.int64)


def _end_to_end(seen: Ledger | None, window: Window) -> Quantiles:
    """Return the distribution of seen minus intended; acknowledged records that nobody saw are censored."""
    if seen is None:
        return Quantiles()
    judged = window.holds(seen.intended_ns)
    there = judged & seen.accepted
    return quantiles_ms((seen.answered_ns - seen.intended_ns)[there], int((judged & ~seen.accepted).sum()))


def _clock_steps(record: RunRecord) -> Iterator[str]:
    """Say where times were told by a wall clock that was set meanwhile."""
    for share in record.processes:
        step_ms = share.health.clock_step_ms if share.health else 0.0
        if record.tool == "k6" and step_ms > MOST_CLOCK_STEP_MS:
            yield f"the wall clock, by which k6 tells its times, was set by {step_ms:,.1f} ms in the run: run it again"


def _processor_use(record: RunRecord) -> dict[str, Any]:
    """Return what the generator used, where that is known."""
    known = [share.cpu_s for share in record.processes if share.cpu_s is not None]
    seconds = (record.ended_ns - record.started_ns) / 1e9
    if not known or seconds <= 0:
        return {}
    return {"cpu_s": {"load": round(sum(known), 3)}, "cores": {"load": round(sum(known) / seconds, 3)}}


def _limits_of(targets: Targets, scope: Scope, *, steady: bool, silent: bool) -> Limits:
    """Return what *targets* hold requests of *scope* to; a load that changes need not be *steady* on the whole."""
    return replace(Limits.of(targets, scope), steady=steady, silent=silent)


def _worst_health(record: RunRecord, stage: int | None) -> InstrumentHealth:
    """Return, for each figure, the worst of all processes; what is counted is added up.

    How late event loops were is told of one *stage*, where that is asked for and known.
    """
    known = [share.health for share in record.processes if share.health is not None]
    if not known:
        return InstrumentHealth()
    added = ("gc_pauses", "connections_opened", "reconnects")
    whole = InstrumentHealth(
        **{
            name: (sum if name in added else max)(getattr(one, name) for one in known)
            for name in InstrumentHealth.__struct_fields__
        }
    )
    lags_ms = [share.stage_loop_lag_p99_ms for share in record.processes]
    if stage is None or not all(lags_ms):
        return whole
    return msgspec.structs.replace(whole, loop_lag_p99_ms=max(lags[stage] for lags in lags_ms))

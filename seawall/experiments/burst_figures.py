"""What a burst did to the requests of a trial: from its ledger, and from when its records became visible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from seawall.audit.ledger import NEVER, Int64s, Ledger
from seawall.experiments.fault_figures import REFUSALS, fault_figures
from seawall.experiments.figures import Bools, Window, quantiles_ms, response_time, visible_delay
from seawall.experiments.judgement import measure
from seawall.experiments.validity import Limits, lateness
from seawall.load.profile import Profile
from seawall.result import BurstStage, InstrumentHealth, JudgedTarget, Outcome, Trial
from seawall.result.bursts import AFTER, BEFORE, BURST
from seawall.targets.judgement import judge
from seawall.targets.metrics import Scope
from seawall.targets.target import Target, Targets
from seawall.targets.verdict import verdict


@dataclass(frozen=True)
class BurstRequests:
    """All that is known of the requests of one trial."""

    ledger: Ledger
    visible_ns: Int64s
    unsent_ns: Int64s
    """When those were due that were never sent."""
    profile: Profile
    start_ns: int
    """When its schedule began, monotonic."""

    def window(self, name: str) -> Window:
        """Return when the requests of a stage were due."""
        for stage, (begin_ns, end_ns) in zip(self.profile.stages, self.profile.bounds_ns(), strict=True):
            if stage.name == name:
                return Window(self.start_ns + begin_ns, self.start_ns + end_ns)
        raise LookupError(name)

    @property
    def recorded(self) -> Bools:
        """Tell which requests were accepted and wrote a record."""
        found: Bools = self.ledger.accepted & (self.ledger.entity != 0)
        return found


@dataclass(frozen=True)
class BurstFigures:
    """What followed the burst; times in s from its end, see `BurstFinding`."""

    refused_p50_ms: float | None
    refused_p99_ms: float | None
    lag_highest: int
    all_visible_s: float | None
    recover_s: float | None
    bad_before: float
    """The share of requests that failed or were late already before the burst."""


def burst_figures(requests: BurstRequests, limits_ms: tuple[float, float]) -> BurstFigures:
    """Return what followed the burst; *limits_ms* are those of response time and visible delay."""
    ledger, burst = requests.ledger, requests.window(BURST)
    refused = np.isin(ledger.status, REFUSALS) & burst.holds(ledger.intended_ns)
    took_ms = (ledger.answered_ns - ledger.sent_ns)[refused] / 1e6
    whole = fault_figures(
        ledger,
        requests.visible_ns,
        begin_ns=burst.start_ns,
        end_ns=burst.end_ns,
        last_due_ns=requests.window(AFTER).end_ns,
        settled_ns=requests.window(BEFORE).start_ns,
        limits_ms=limits_ms,
    )
    return BurstFigures(
        refused_p50_ms=round(float(np.quantile(took_ms, 0.5)), 3) if len(took_ms) else None,
        refused_p99_ms=round(float(np.quantile(took_ms, 0.99)), 3) if len(took_ms) else None,
        lag_highest=highest_lag(requests),
        all_visible_s=_all_visible_s(requests, burst),
        # what was never sent is no request of the ledger, and surely not as before
        recover_s=None if len(requests.unsent_ns) else whole.recover_s,
        bad_before=whole.bad_before,
    )


def highest_lag(requests: BurstRequests) -> int:
    """Return the most records that were accepted and not yet visible, at any moment."""
    recorded = requests.recorded
    seen = recorded & (requests.visible_ns != NEVER)
    times_ns = np.concatenate([requests.ledger.answered_ns[recorded], requests.visible_ns[seen]])
    steps = np.concatenate([np.ones(int(recorded.sum()), np.int64), -np.ones(int(seen.sum()), np.int64)])
    if not len(steps):
        return 0
    # what is visible with its answer, as on the paths without the log, was never behind
    course = np.cumsum(steps[np.lexsort((steps, times_ns))])
    return max(0, int(course.max()))


def _all_visible_s(requests: BurstRequests, burst: Window) -> float | None:
    visible_ns = requests.visible_ns[requests.recorded & burst.holds(requests.ledger.intended_ns)]
    if not len(visible_ns) or (visible_ns == NEVER).any():
        return None
    return round(max(0.0, (int(visible_ns.max()) - burst.end_ns) / 1e9), 3)


def burst_stages(
    requests: BurstRequests, trial: Trial, targets: Targets, limits_ms: tuple[float, float]
) -> Iterator[BurstStage]:
    """Yield what became of each judged stage, held against the targets that are meant for any load."""
    # what became of records is counted over the whole trial
    of_times = replace(targets, targets=tuple(one for one in targets.targets if not one.metric.of_records))
    for stage in requests.profile.stages:
        if stage.name in (BEFORE, BURST, AFTER):
            yield _stage(requests, stage.name, stage.to_per_s, trial, of_times, limits_ms)


def _stage(
    requests: BurstRequests,
    name: str,
    rate_per_s: float,
    trial: Trial,
    targets: Targets,
    limits_ms: tuple[float, float],
) -> BurstStage:
    ledger, visible_ns, window = requests.ledger, requests.visible_ns, requests.window(name)
    mine = window.holds(ledger.intended_ns)
    unsent = int(window.holds(requests.unsent_ns).sum())
    good, refused = mine & ledger.succeeded, mine & np.isin(ledger.status, REFUSALS)
    late = good & (ledger.answered_ns - ledger.intended_ns > int(limits_ms[0] * 1e6))
    recorded = mine & requests.recorded
    unseen = recorded & ((visible_ns == NEVER) | (visible_ns - ledger.intended_ns > int(limits_ms[1] * 1e6)))
    part = msgspec.structs.replace(
        trial,
        requests=int(mine.sum()),
        unsent=unsent,
        failed=int((mine & ~ledger.succeeded).sum()) + unsent,
        response_ms=response_time(ledger, mine, unsent),
        visible_ms=visible_delay(ledger, visible_ns, recorded),
        generator_lag_ms=quantiles_ms(ledger.generator_lag_ns[mine]),
        instrument=InstrumentHealth(),  # is told of the whole trial
        scopes={},
        invalid_because=[],
    )
    part = msgspec.structs.replace(part, invalid_because=list(lateness(part, Limits(*limits_ms))))
    judged = [_judged(target, part) for target in targets.meant_for([Scope.WRITE], attain=False)]
    return BurstStage(
        name=name,
        begins_s=round((window.start_ns - requests.start_ns) / 1e9, 6),
        duration_s=round(window.seconds, 6),
        rate_per_s=rate_per_s,
        offered=int(mine.sum()) + unsent,
        in_time=int((good & ~late).sum()),
        late=int(late.sum()),
        refused=int(refused.sum()),
        failed=int((mine & ~ledger.succeeded & ~refused).sum()),
        unsent=unsent,
        visible_late=int(unseen.sum()),
        response_ms=part.response_ms,
        visible_ms=part.visible_ms,
        generator_lag_ms=part.generator_lag_ms,
        invalid_because=part.invalid_because,
        targets=judged,
        outcome=verdict(row.outcome for row in judged),
    )


def _judged(target: Target, part: Trial) -> JudgedTarget:
    """Return how one stage keeps to a target: of this one burst the figure is known, and so has no interval."""
    found = measure(target, [part])
    row = judge(target, replace(found, low=found.value, high=found.value)).as_json()
    return JudgedTarget(**{**row, "outcome": Outcome(row["outcome"])}, arm=part.arm, trials=1)

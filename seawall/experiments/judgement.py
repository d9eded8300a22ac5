"""Arms held against written targets, over their trials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf

import msgspec
import numpy as np

from seawall.result import JudgedTarget, Outcome, Quantiles, Trial
from seawall.stats.availability import wilson_interval
from seawall.stats.errors import StatsError
from seawall.stats.trials import geometric_mean
from seawall.targets.judgement import Measurement, judge
from seawall.targets.metrics import Scope
from seawall.targets.target import Target, Targets
from seawall.targets.verdict import verdict

_SHARES: dict[str, tuple[Callable[[Trial], int], Callable[[Trial], int]]] = {
    "error_ratio": (lambda trial: trial.failed, lambda trial: trial.requests + trial.unsent),
    "availability": (lambda trial: trial.windows_available, lambda trial: trial.windows),
}
_TIMES = {"response": "response_ms", "service": "service_ms", "visible": "visible_ms"}


def judge_arms(
    targets: Targets, arms: Iterable[str], trials: Iterable[Trial], *, attain: bool = False, census: bool = False
) -> list[JudgedTarget]:
    """Return how each arm's *load* trials keep to the targets that are meant for their scopes.

    Those of the set ``attain`` are judged only on *attain*; those that `unjudged` names never. With *census*,
    availability is that of the judged seconds alone, as `measure` tells it.
    """
    load = [trial for trial in trials if trial.kind == "load"]
    return [
        _judged(target, arm, [in_scope(trial, target.scope) for trial in mine], census=census)
        for arm in arms
        if (mine := _of(load, arm))
        for target in targets.meant_for(scopes_of(mine), attain=attain)
        if not _needs_audit(target, mine)
    ]


def unjudged(targets: Targets, trials: Iterable[Trial], *, attain: bool = False) -> list[str]:
    """Return the names of targets that are meant for these trials and cannot be judged, since nobody audited them."""
    load = [trial for trial in trials if trial.kind == "load"]
    meant = targets.meant_for(scopes_of(load), attain=attain)
    return [target.name for target in meant if _needs_audit(target, load)]


def scopes_of(trials: Iterable[Trial]) -> list[Scope]:
    """Return the scopes of the trials' requests: those that they tell, else all are writes."""
    return list(dict.fromkeys(Scope(name) for trial in trials for name in trial.scopes or [Scope.WRITE]))


def in_scope(trial: Trial, scope: Scope) -> Trial:
    """Return *trial* with the figures of one scope alone, where it tells them apart."""
    part = trial.scopes.get(scope)
    if part is None:
        return trial
    figures = {name: getattr(part, name) for name in part.__struct_fields__}
    return msgspec.structs.replace(trial, **figures)


def _needs_audit(target: Target, trials: Sequence[Trial]) -> bool:
    needs = target.metric.of_records or target.metric.name.startswith("visible_")
    return needs and not all(trial.audited for trial in trials)


def arm_verdicts(judged: Iterable[JudgedTarget], trials: Iterable[Trial]) -> dict[str, Outcome]:
    """Return the outcome of each judged arm: that of its targets, and FAIL where any trial's audit failed."""
    outcomes: dict[str, list[Outcome]] = {}
    for row in judged:
        outcomes.setdefault(row.arm, []).append(row.outcome)
    for trial in trials:
        if trial.outcome is Outcome.FAIL and trial.arm in outcomes:
            outcomes[trial.arm].append(Outcome.FAIL)
    return {arm: verdict(found) for arm, found in outcomes.items()}


def measure(target: Target, trials: Sequence[Trial], *, census: bool = False) -> Measurement:
    """Return the figure of these trials of one arm that *target* limits.

    What the audit counted is summed up over all trials. Everything else is taken over the valid ones, the run being the
    statistical unit; where none is valid the measurement says why. With *census*, availability is counted over the
    judged seconds and has no interval: as an estimate of other times, 99.9 % would take an hour of them.
    """
    name = target.metric.name
    valid = [trial for trial in trials if not trial.invalid_because]
    invalid = None if valid else trials[0].invalid_because[0]
    if target.metric.of_records:
        count = sum(float(getattr(trial.audit, name)) for trial in trials)
        attempted = sum(trial.audit.attempted for trial in trials)
        return Measurement.exact(count, samples=attempted, reason_invalid=invalid)
    chosen = valid or list(trials)
    if name in _SHARES:
        hits, of = _SHARES[name]
        counted = census and name == "availability"
        return _share(sum(map(hits, chosen)), sum(map(of, chosen)), invalid, counted=counted)
    if name == "users":
        return Measurement.exact(min(trial.users for trial in chosen), reason_invalid=invalid)
    if name == "writes_per_s":
        return _over_trials([trial.achieved_per_s or 0.0 for trial in chosen], len(chosen), invalid)
    kind, _, rest = name.partition("_")
    if kind not in _TIMES:
        return Measurement(value=None, reason_invalid=invalid)
    times = [getattr(trial, _TIMES[kind]) for trial in chosen]
    return _times_over_trials(times, rest.removesuffix("_ms"), invalid)


def _share(hits: int, of: int, invalid: str | None, *, counted: bool) -> Measurement:
    if not of:
        return Measurement(value=None, reason_invalid=invalid)
    if counted:
        return Measurement.exact(hits / of, samples=of, reason_invalid=invalid)
    found = wilson_interval(hits, of)
    return Measurement(value=hits / of, low=found.low, high=found.high, samples=of, reason_invalid=invalid)


def _times_over_trials(times: Sequence[Quantiles], quantile: str, invalid: str | None) -> Measurement:
    samples = sum(one.samples for one in times)
    figures = [_figure(one, quantile) for one in times]
    known = [figure for figure in figures if figure is not None]
    if len(known) < len(figures) or not known:
        return Measurement(value=None, samples=samples, reason_invalid=invalid)
    found = _over_trials(known, samples, invalid)
    if len(times) == 1 and found.value != inf:  # then the run speaks for itself
        low, high = getattr(times[0], f"{quantile}_low"), getattr(times[0], f"{quantile}_high")
        return Measurement(value=found.value, low=low, high=high, samples=samples, reason_invalid=invalid)
    return found


def _over_trials(figures: Sequence[float], samples: int, invalid: str | None) -> Measurement:
    if inf in figures:  # one run in which the quantile was never reached cannot be averaged away
        return Measurement(value=inf, low=inf, high=inf, samples=samples, reason_invalid=invalid)
    try:
        found = geometric_mean(np.array(figures, dtype=np.float64))
    except StatsError:
        value = float(np.median(figures))
        return Measurement(value=value, samples=samples, reason_invalid=invalid)
    return Measurement(value=found.estimate, low=found.low, high=found.high, samples=samples, reason_invalid=invalid)


def _figure(times: Quantiles, quantile: str) -> float | None:
    figure: float | None = getattr(times, quantile)
    if figure is None and times.max is None and times.samples:
        return inf  # the quantile falls among requests that were never answered
    return figure


def _judged(target: Target, arm: str, trials: Sequence[Trial], *, census: bool) -> JudgedTarget:
    row = judge(target, measure(target, trials, census=census)).as_json()
    valid = sum(not trial.invalid_because for trial in trials)
    return JudgedTarget(**{**row, "outcome": Outcome(row["outcome"])}, arm=arm, trials=valid)


def _of(trials: Iterable[Trial], arm: str) -> list[Trial]:
    return [trial for trial in trials if trial.arm == arm]

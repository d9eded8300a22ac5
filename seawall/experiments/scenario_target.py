"""A claim of a scenario, held against the one figure of an arm's trial."""

from __future__ import annotations

from seawall.result import JudgedTarget, Outcome


def scenario_target(
    name: str,
    metric: str,
    limit: str,
    arm: str,
    measured: float | None,
    outcome: Outcome,
    reason: str = "",
    *,
    scope: str,
) -> JudgedTarget:
    """Return how a claim came out: results call its figure *metric*; a single trial has no interval."""
    figure = None if measured is None else float(measured)
    return JudgedTarget(
        set="scenario",
        scope=scope,
        name=name,
        metric=metric,
        limit=limit,
        arm=arm,
        trials=1,
        measured=figure,
        ci_low=figure,
        ci_high=figure,
        outcome=outcome,
        reason=reason,
    )


def outcome_if(reached: bool) -> Outcome:  # noqa: FBT001 - the question itself
    """Return PASS where what is claimed was *reached*, else FAIL."""
    return Outcome.PASS if reached else Outcome.FAIL

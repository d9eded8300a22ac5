"""The parts of a trial whose requests are of several kinds: by scope of targets, and by endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from seawall.audit.ledger import Int64s, Ledger
from seawall.experiments.endpoint_scopes import masks_by_scope, scope_of, shares
from seawall.experiments.figures import Bools, Window, course_of, quantiles_ms, response_time, windows_available
from seawall.experiments.judgement import in_scope
from seawall.experiments.validity import Limits, shortcomings
from seawall.result import EndpointFigures, ScopeFigures, Trial
from seawall.targets.metrics import Scope

LimitsOf = Callable[[Scope], Limits]
"""The limits that requests of a scope are held to."""


def with_parts(
    trial: Trial,
    ledger: Ledger,
    window: Window,
    declared: Mapping[str, str],
    limits_of: LimitsOf,
    unsent_ns: Int64s,
) -> Trial:
    """Return *trial* with the figures of each scope, why they say nothing, if so, and those of each endpoint.

    *declared* tells the scopes of endpoints, as far as their names do not; *unsent_ns* when the requests were due that
    were never sent.
    """
    judged = window.holds(ledger.intended_ns)
    masks = masks_by_scope(ledger, declared)
    counts = [int((mask & judged).sum()) for mask in masks.values()]
    unsent = shares(trial.unsent, counts if any(counts) else [int(mask.sum()) for mask in masks.values()])
    parts: dict[str, ScopeFigures] = {}
    for (scope, mask), owed in zip(masks.items(), unsent, strict=True):
        mine = mask & judged
        succeeded = mine & ledger.succeeded
        due = mask & ledger.succeeded
        windows, available = windows_available(ledger, window, unsent_ns if len(masks) == 1 else unsent_ns[:0], mask)
        part = ScopeFigures(
            requests=int(mine.sum()),
            unsent=owed,
            failed=int((mine & ~ledger.succeeded).sum()) + owed,
            achieved_per_s=round(int(succeeded.sum()) / max(window.seconds, 1e-9), 3),
            response_ms=response_time(ledger, mine, owed),
            service_ms=quantiles_ms((ledger.answered_ns - ledger.sent_ns)[succeeded]),
            response_course=course_of(
                window, trial.warmup_s, ledger.intended_ns[due], (ledger.answered_ns - ledger.intended_ns)[due]
            ),
            windows=windows,
            windows_available=available,
        )
        view = in_scope(msgspec.structs.replace(trial, scopes={scope: part}), scope)
        why = shortcomings(view, limits_of(scope), interrupted=False)
        parts[scope] = msgspec.structs.replace(part, invalid_because=why)
    return msgspec.structs.replace(trial, scopes=parts, endpoints=_endpoints(ledger, judged, declared))


def loosest_limits(trial: Trial, limits_of: LimitsOf) -> Limits:
    """Return the limits that the whole trial is held to.

    What spoils one scope alone, such as a course that was not steady or a stricter limit, leaves the others as they
    are; what even the loosest limit does not let pass spoils them all.
    """
    limits = [limit for scope in trial.scopes if (limit := limits_of(Scope(scope)).response_ms) is not None]
    return Limits(response_ms=max(limits, default=None))


def spoilt(scopes: Mapping[str, ScopeFigures], everywhere: list[str]) -> dict[str, ScopeFigures]:
    """Return *scopes* where those that nothing was wrong with say why the whole trial says nothing."""
    return {
        scope: msgspec.structs.replace(part, invalid_because=part.invalid_because or everywhere)
        for scope, part in scopes.items()
    }


def _endpoints(ledger: Ledger, judged: Bools, declared: Mapping[str, str]) -> list[EndpointFigures]:
    return [
        EndpointFigures(
            name=name,
            scope=scope_of(name, declared),
            requests=int(mine.sum()),
            failed=int((mine & ~ledger.succeeded).sum()),
            response_ms=response_time(ledger, mine, 0),
        )
        for number, name in enumerate(ledger.endpoints)
        if (mine := judged & (ledger.endpoint == number)).any()
    ]

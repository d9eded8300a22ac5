"""Targets as thresholds of k6, as far as k6 can express them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from seawall.targets.metrics import Scope
from seawall.targets.target import Target

_TIMES = ("response", "service")
"""Both are k6's `http_req_duration`, which counts from the sending; k6 has no metric that counts from the schedule."""


class K6Threshold(NamedTuple):
    """One threshold, and the target that it stands for."""

    metric: str
    """With its tags, such as ``http_req_duration{scope:write}``."""
    expression: str
    target: Target


def k6_thresholds(targets: Iterable[Target]) -> list[K6Threshold]:
    """Return the thresholds that stand for *targets*; those that k6 cannot express are left out.

    k6 knows when it sent and when an answer came, and whether that was a success. It does not know rows, so nothing of
    what is visible or lost, and it drops what it cannot send without counting that as failed.
    """
    return [found for target in targets if (found := _of(target)) is not None]


def as_k6_option(thresholds: Iterable[K6Threshold]) -> dict[str, list[str]]:
    """Return *thresholds* as k6's option of that name."""
    found: dict[str, list[str]] = {}
    for threshold in thresholds:
        expressions = found.setdefault(threshold.metric, [])
        if threshold.expression not in expressions:
            expressions.append(threshold.expression)
    return found


def _of(target: Target) -> K6Threshold | None:
    kind, _, rest = target.metric.name.partition("_")
    limit = f"{target.limit.operator}{Decimal(repr(target.limit.number)).normalize():f}"
    if kind in _TIMES and rest.startswith("p"):
        share = rest.removeprefix("p").removesuffix("_ms")
        return K6Threshold(_tagged("http_req_duration", target.scope), f"p({share}){limit}", target)
    if target.metric.name == "error_ratio":
        return K6Threshold(_tagged("http_req_failed", target.scope), f"rate{limit}", target)
    return None


def _tagged(metric: str, scope: Scope) -> str:
    return metric if scope is Scope.ALL else f"{metric}{{scope:{scope}}}"

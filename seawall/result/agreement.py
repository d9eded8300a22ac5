"""Two load generators under the same load: the experiment, its arms, and the figures that are compared."""

from __future__ import annotations

from collections.abc import Callable

from seawall.result.trial import Trial

AGREEMENT = "k6-beside-locust"
"""The experiment."""
LOCUST, K6 = "locust", "k6"
"""Its arms."""
AGREES_ON = ("response_p50_ms", "response_p95_ms", "response_p99_ms", "achieved_per_s")
"""What both have to tell alike; the other figures are each tool's own."""

_FIGURES: dict[str, Callable[[Trial], float | None]] = {
    "response_p50_ms": lambda trial: trial.response_ms.p50,
    "response_p95_ms": lambda trial: trial.response_ms.p95,
    "response_p99_ms": lambda trial: trial.response_ms.p99,
    "achieved_per_s": lambda trial: trial.achieved_per_s,
    "service_p50_ms": lambda trial: trial.service_ms.p50,
    "service_p95_ms": lambda trial: trial.service_ms.p95,
    "start_lag_p50_ms": lambda trial: trial.start_lag_ms.p50,
    "start_lag_p99_ms": lambda trial: trial.start_lag_ms.p99,
    "generator_cpu_s_per_1000": lambda trial: (
        1e3 * trial.cpu_s["load"] / trial.requests if trial.requests and trial.cpu_s.get("load") else None
    ),
}
FIGURES = tuple(_FIGURES)


def figure_of(trial: Trial, name: str) -> float | None:
    """Return the figure of *trial* that has that name in `FIGURES`; None where it has none."""
    return _FIGURES[name](trial)

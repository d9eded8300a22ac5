"""Whether two load generators agree, from what their trials tell."""

from __future__ import annotations

import pytest

from seawall.experiments.agreement import agreement, tool_comparisons
from seawall.result import Outcome, Quantiles, Trial


def trials(tool: str, p50_ms: list[float], *, p95_ms: float = 20.0, outcome: Outcome = Outcome.PASS) -> list[Trial]:
    """Return trials of *tool* whose response p50 are these."""
    return [
        Trial(
            name=f"{tool}-{number}", kind="load", arm=tool, block=0, entity="mixed", started_at="", users=10,
            requests=1_000, achieved_per_s=500.0 + number / 100, cpu_s={"load": 1.0 + number}, outcome=outcome,
            response_ms=Quantiles(p50=p50, p95=p95_ms + number / 10, p99=30.0 + number, samples=1_000),
            reasons=["1 lost"] if outcome is Outcome.FAIL else [],
        )
        for number, p50 in enumerate(p50_ms)
    ]  # fmt: skip


LOCUST = trials("locust", [2.0, 2.1, 2.2, 2.3])


@pytest.mark.parametrize(
    ("others", "outcome", "said"),
    [
        (trials("k6", [2.0, 2.15, 2.2, 2.35]), Outcome.PASS, "agree on this load within their intervals"),
        (trials("k6", [3.0, 3.1, 3.2, 3.3]), Outcome.PASS, "+1.00 ms: less than the 5 ms"),
        (trials("k6", [9.0, 9.1, 9.2, 9.3]), Outcome.FAIL, "do not agree"),
        (trials("k6", [2.0, 2.1, 2.2, 2.3], p95_ms=40.0), Outcome.FAIL, "response p95: k6 tells 1.99 times"),
        (trials("k6", [2.0, 2.1]), Outcome.INCONCLUSIVE, "four trials of each are the least"),
        (trials("k6", [2.0] * 4, outcome=Outcome.INVALID), Outcome.INVALID, "4 of 8 trials say nothing"),
        (trials("k6", [2.0] * 4, outcome=Outcome.FAIL), Outcome.FAIL, "not where they should be: k6-0: 1 lost"),
    ],
)  # fmt: skip
def test_they_agree_where_no_figure_lies_apart(others: list[Trial], outcome: Outcome, said: str) -> None:
    """Within their intervals, or by less than an instrument may err."""
    both = [*LOCUST, *others]
    found = agreement(list(tool_comparisons(both)), both, interrupted=False)
    assert found.outcome is outcome
    assert said in "; ".join(found.lines)


def test_an_interrupted_comparison_says_nothing() -> None:
    """However well it went until then."""
    both = [*LOCUST, *trials("k6", [2.0, 2.1, 2.2, 2.3])]
    assert agreement(list(tool_comparisons(both)), both, interrupted=True).outcome is Outcome.INVALID


def test_each_figure_is_compared_with_locust_as_the_base() -> None:
    """The generator's own processor time among them, for a thousand requests."""
    rows = {row.metric: row for row in tool_comparisons([*LOCUST, *trials("k6", [4.0, 4.2, 4.4, 4.6])])}
    assert (rows["response_p50_ms"].base, rows["response_p50_ms"].arm) == ("locust", "k6")
    assert rows["response_p50_ms"].ratio == pytest.approx(2.0)
    assert rows["generator_cpu_s_per_1000"].ratio == pytest.approx(1.0)
    assert "start_lag_p99_ms" not in rows

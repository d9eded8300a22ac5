"""The judgement of a figure."""

from __future__ import annotations

import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.result import Outcome
from seawall.targets.judgement import Measurement, TargetOutcome, judge, judge_all
from seawall.targets.limit import limit_of, read_limit
from seawall.targets.metrics import METRICS, Better
from seawall.targets.target import Target, TargetSet

PASS, FAIL, INCONCLUSIVE, INVALID = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.INVALID
_BADNESS = [PASS, INCONCLUSIVE, FAIL]


def target(metric: str, limit: str) -> Target:
    """Return a target of that metric, in its first scope."""
    known = METRICS[metric]
    return Target(
        set=TargetSet.ALWAYS,
        name=f"{metric} {limit}",
        metric=known,
        scope=known.scopes[0],
        limit=limit_of(known, read_limit(limit)),
    )


@pytest.mark.parametrize(
    ("metric", "limit", "value", "low", "high", "samples", "outcome"),
    [
        pytest.param("response_p95_ms", "< 200", 150, 140, 199, 72, PASS, id="all of the interval is fast enough"),
        pytest.param("response_p95_ms", "< 200", 250, 200, 300, 72, FAIL, id="all of the interval is too slow"),
        pytest.param("response_p95_ms", "< 200", 190, 180, 200, 72, INCONCLUSIVE, id="one end reaches the limit"),
        pytest.param("response_p95_ms", "<= 200", 190, 180, 200, 72, PASS, id="one end reaches a limit that it may"),
        pytest.param("response_p95_ms", "< 200", 150, 140, 160, 71, INVALID, id="a p95 of 71 requests"),
        pytest.param("response_p99_ms", "< 200", 150, 140, 160, 367, INVALID, id="a p99 of 367 requests"),
        pytest.param("response_p50_ms", "< 200", 150, 140, 160, 6, PASS, id="a median of 6 requests"),
        pytest.param("response_p95_ms", "< 200", None, None, None, 500, INVALID, id="nothing measured"),
        pytest.param("response_p95_ms", "< 200", 150, None, None, 72, INCONCLUSIVE, id="a figure without interval"),
        pytest.param("response_p95_ms", "< 200", 150, 140, None, 72, INCONCLUSIVE, id="no upper end, and it is fast"),
        pytest.param("response_p95_ms", "< 200", 250, 210, None, 72, FAIL, id="no upper end, and it is slow anyway"),
        pytest.param("response_p95_ms", "< 200", inf, 5000, inf, 72, FAIL, id="the p95 was never answered"),
        pytest.param("response_p95_ms", "< 200", 201, 150, 199, 72, INCONCLUSIVE, id="a figure outside its interval"),
        pytest.param("response_p95_ms", "< 200", nan, 150, 160, 72, INVALID, id="a figure that is none"),
        pytest.param("response_p95_ms", "< 200", 150, nan, 160, 72, INVALID, id="an end that is none"),
        pytest.param("response_p95_ms", "< 200", -1, -2, 3, 72, INVALID, id="a negative time"),
        pytest.param("response_p95_ms", "< 200", 150, 160, 140, 72, INVALID, id="an interval the wrong way round"),
        pytest.param("error_ratio", "<= 0.1 %", 0.0, 0.0, 0.0009, 4000, PASS, id="no errors among many"),
        pytest.param("error_ratio", "<= 0.1 %", 0.0, 0.0, 0.03, 100, INCONCLUSIVE, id="no errors among few"),
        pytest.param("error_ratio", "<= 0.1 %", 1.5, 1, 2, 100, INVALID, id="more errors than requests"),
        pytest.param("availability", ">= 99.9 %", 0.999, 0.999, 1.0, 60, PASS, id="as available as asked"),
        pytest.param("availability", ">= 99.9 %", 0.99, 0.98, 0.998, 60, FAIL, id="not available enough"),
        pytest.param("users", ">= 10000", 10_000, 10_000, 10_000, 1, PASS, id="as many users as asked"),
        pytest.param("writes_per_s", ">= 10000", 9_000, 8_900, 9_100, 4, FAIL, id="too few writes"),
        pytest.param("lost", "= 0", 0, None, None, 1000, PASS, id="nothing lost"),
        pytest.param("lost", "= 0", 1, None, None, 1000, FAIL, id="one lost"),
        pytest.param("lost", "= 0", 1, 0, 2, 0, FAIL, id="one lost, whatever else is said"),
        pytest.param("lost", "= 0", 0, None, None, 0, INVALID, id="nothing lost of nothing"),
        pytest.param("lost", "= 0", None, None, None, 1000, INVALID, id="losses not counted"),
        pytest.param("lost", "= 0", -1, None, None, 1000, INVALID, id="fewer than none lost"),
        pytest.param("duplicates", "<= 3", 3, None, None, 1000, PASS, id="as many duplicates as allowed"),
        pytest.param("duplicates", "<= 3", 4, None, None, 1000, FAIL, id="more duplicates than allowed"),
    ],
)
def test_judges(
    metric: str,
    limit: str,
    value: float | None,
    low: float | None,
    high: float | None,
    samples: int,
    outcome: Outcome,
) -> None:
    """The whole interval decides; without a figure, or with too few samples, nothing does."""
    found = judge(target(metric, limit), Measurement(value=value, low=low, high=high, samples=samples))
    assert found.outcome is outcome, found.reason


@pytest.mark.parametrize(
    ("metric", "limit", "value", "outcome"),
    [
        ("response_p95_ms", "< 200", 1.0, INVALID),
        ("response_p95_ms", "< 200", 9_999.0, INVALID),
        ("availability", ">= 99.9 %", 0.1, INVALID),
        ("users", ">= 100", 1, INVALID),
        ("lost", "= 0", 0, INVALID),
        ("lost", "= 0", 1, FAIL),
        ("pending", "= 0", 1, FAIL),
        ("corrupted", "= 0", 1, FAIL),
        ("phantom", "= 0", 1, FAIL),
        ("duplicates", "= 0", 1, FAIL),
    ],
)
def test_an_invalid_trial_fails_by_its_records_alone(metric: str, limit: str, value: float, outcome: Outcome) -> None:
    """A late generator makes latencies worthless, good or bad, but does not lose records."""
    measured = Measurement.exact(value, samples=1000, reason_invalid="the generator itself was late (p99 80 ms)")
    found = judge(target(metric, limit), measured)
    assert found.outcome is outcome
    if outcome is INVALID:
        assert found.reason == "the generator itself was late (p99 80 ms)"


@pytest.mark.parametrize(
    ("metric", "limit", "measured", "reason"),
    [
        (
            "response_p95_ms",
            "< 200",
            Measurement(value=143.21, low=130, high=151.5, samples=100),
            "143.21 ms (130 ms to 151.5 ms) keeps to < 200 ms",
        ),
        (
            "error_ratio",
            "<= 0.1 %",
            Measurement(value=0.001, low=0.0005, high=0.0021, samples=100),
            "0.1 % (0.05 % to 0.21 %) straddles <= 0.1 %: more trials or a longer run could tell",
        ),
        (
            "response_p95_ms",
            "< 200",
            Measurement(value=inf, low=5000, samples=100),
            "without end (5,000 ms or more) misses < 200 ms",
        ),
        (
            "visible_p95_ms",
            "< 1 s",
            Measurement(value=20, samples=100),
            "20 ms, of unknown interval, straddles < 1000 ms: more trials or a longer run could tell",
        ),
        ("writes_per_s", ">= 10000", Measurement.exact(9_500), "9,500 /s misses >= 10000 /s"),
        ("lost", "= 0", Measurement.exact(2), "2 misses = 0"),
        (
            "response_p95_ms",
            "< 200",
            Measurement.exact(2, samples=3),
            "too few samples: 3, and response_p95_ms takes 72",
        ),
        ("lost", "= 0", Measurement(value=None), "no lost of write was measured"),
    ],
)
def test_says_why(metric: str, limit: str, measured: Measurement, reason: str) -> None:
    """The reason holds the figure, its doubt and the limit."""
    assert judge(target(metric, limit), measured).reason == reason


def test_judges_all_in_their_order() -> None:
    """Each target is asked for its figure."""
    targets = [target("lost", "= 0"), target("users", ">= 10")]
    found = judge_all(targets, lambda one: Measurement.exact(5 if one.metric.name == "users" else 0))
    assert [(outcome.target, outcome.outcome) for outcome in found] == [(targets[0], PASS), (targets[1], FAIL)]


def test_results_hold_what_the_design_names() -> None:
    """`result.json` gets limit, figure, interval and outcome; what is infinite is null there."""
    measured = Measurement(value=inf, low=5000, high=inf, samples=100)
    assert json.loads(json.dumps(judge(target("response_p95_ms", "< 0.2 s"), measured).as_json(), allow_nan=False)) == {
        "set": "always",
        "name": "response_p95_ms < 0.2 s",
        "metric": "response_p95_ms",
        "scope": "all",
        "limit": "< 200 ms",
        "measured": None,
        "ci_low": 5000,
        "ci_high": None,
        "samples": 100,
        "outcome": "FAIL",
        "reason": "without end (5,000 ms or more) misses < 200 ms",
    }


_TARGETS = st.sampled_from(
    [
        target("response_p95_ms", "< 200"),
        target("visible_p99_ms", "<= 1 s"),
        target("error_ratio", "<= 40 %"),
        target("availability", ">= 60 %"),
        target("users", "> 300"),
        target("lost", "= 0"),
        target("duplicates", "<= 3"),
    ]
)


@given(_TARGETS, st.data())
def test_a_better_figure_never_comes_out_worse(one: Target, data: st.DataObject) -> None:
    """Moving figure and interval the better way can only better the outcome."""
    most = 1.0 if METRICS[one.metric.name].unit.name == "SHARE" else 2_000.0
    figures = st.tuples(*[st.floats(0, most)] * 3).map(sorted)
    first, second = data.draw(figures), data.draw(figures)
    lower = [min(a, b) for a, b in zip(first, second, strict=True)]
    higher = [max(a, b) for a, b in zip(first, second, strict=True)]
    better, worse = (lower, higher) if one.metric.better is Better.LOWER else (higher, lower)

    def badness(ends: list[float]) -> int:
        return _BADNESS.index(judged(one, ends).outcome)

    assert badness(better) <= badness(worse)


@given(_TARGETS, st.tuples(*[st.floats(0, 1)] * 3).map(sorted), st.floats(0, 1))
def test_more_doubt_never_turns_one_verdict_into_its_opposite(one: Target, ends: list[float], wider: float) -> None:
    """A wider interval around the same figure says the same or leaves it open."""
    narrow = judged(one, ends).outcome
    wide = judged(one, [ends[0] - wider, ends[1], ends[2] + wider]).outcome
    assert wide in {narrow, INCONCLUSIVE}


@given(
    _TARGETS,
    st.builds(
        Measurement,
        value=st.none() | st.floats(),
        low=st.none() | st.floats(),
        high=st.none() | st.floats(),
        samples=st.integers(-1, 1000),
        reason_invalid=st.none() | st.just("the clock stepped"),
    ),
)
def test_any_measurement_gets_an_outcome_and_a_reason(one: Target, measured: Measurement) -> None:
    """Half an hour of load is not thrown away for a figure that makes no sense."""
    found = judge(one, measured)
    assert found.reason
    json.dumps(found.as_json(), allow_nan=False)
    if measured.reason_invalid:
        assert found.outcome is INVALID or (found.outcome is FAIL and one.metric.of_records)


def judged(one: Target, ends: list[float]) -> TargetOutcome:
    """Judge the figure in the middle of an interval."""
    low, value, high = ends
    return judge(one, Measurement(value=value, low=low, high=high, samples=1000))

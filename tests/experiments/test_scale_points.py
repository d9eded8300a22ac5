"""What trials of a scale-out say, from figures made up for the purpose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.figures import Window
from seawall.experiments.processor_use import MACHINE, Reading, cores_used, machine_use
from seawall.experiments.scale_options import KINDS, ScaleOptions
from seawall.experiments.scale_points import finding_of, open_question, outcome_of, point_of, window_of
from seawall.report.scaling_words import SCALED
from seawall.result import AuditCounts, Outcome, ScaleFinding, ScalePoint, Trial
from seawall.stack.limits import Limits
from seawall.stats.intervals import Interval

S = 1_000_000_000


def trial(**changes: Any) -> Trial:
    """Return a clean trial: 1,000 records a second for ten seconds after a warm-up of two."""
    figures = {
        "name": "api-2-1", "kind": "load", "arm": "api-2", "block": 0, "entity": "mixed", "started_at": "", "users": 10,
        "requests": 10_000, "duration_s": 10.0, "warmup_s": 2.0, "schedule_start_ns": 5 * S,
        "audit": AuditCounts(attempted=12_000, acknowledged=12_000, stored=12_000), **changes,
    }  # fmt: skip
    return Trial(**figures)


def point(
    used: dict[str, float] | None = None, expected: int = 2, rebalances: int | None = 0, **changes: Any
) -> ScalePoint:
    """Return what two API processes came to that each used a tenth of a core."""
    used = {"api-1": 0.1, "api-2": 0.1, "postgres": 0.05, MACHINE: 1.0} if used is None else used
    scaled = [name for name in used if name.startswith("api")]
    return point_of(2, trial(**changes), used, scaled=scaled, expected=expected, cores=2, rebalances=rebalances)


def test_cores_are_taken_from_readings_in_the_judged_time_alone() -> None:
    """What comes before and after is work of another kind; who was started again, or seen once, is left out."""
    busy = [Reading(second * S, "api", cpu_s) for second, cpu_s in enumerate((0, 5, 5.5, 6, 6.5, 20))]
    again = [Reading(2 * S, "sink", 3.0), Reading(3 * S, "sink", 0.1), Reading(4 * S, "sink", 0.2)]
    once = [Reading(3 * S, "late", 1.0)]
    assert cores_used([*reversed(busy), *again, *once], Window(1 * S, 4 * S + 1)) == {"api": pytest.approx(0.5)}


def test_the_window_is_what_follows_the_warm_up() -> None:
    """On the clock of the readings."""
    assert window_of(trial()) == Window(7 * S, 17 * S)


def test_the_machine_is_as_busy_as_its_processors() -> None:
    """Seconds that only grow."""
    before, after = machine_use()[MACHINE].cpu_s, machine_use()[MACHINE].cpu_s
    assert 0 < before <= after


def test_a_record_costs_what_all_scaled_processes_used_for_it() -> None:
    """0.2 cores for 1,000 records a second are 200 us a record; two processes then carry 10,000 a second."""
    found = point()
    assert found.cost_us == pytest.approx(200)
    assert found.projected_per_s == pytest.approx(10_000)
    assert found.busiest == pytest.approx(1.0)
    assert found.machine_busy == pytest.approx(0.5)
    assert found.costs_us == pytest.approx({"api-1": 100, "api-2": 100, "postgres": 50})
    assert found.invalid_because == []


def test_an_uneven_share_is_told() -> None:
    """A process that does three times the work of the other reaches its core first."""
    assert point({"api-1": 0.3, "api-2": 0.1, MACHINE: 1.0}).busiest == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"used": {"api-1": 0.1, "api-2": 0.1, MACHINE: 1.7}}, "the machine was 85% busy"),
        ({"used": {"api-1": 0.1, "api-2": 0.1}}, "not known how busy"),
        ({"used": {"api-1": 0.1, MACHINE: 1.0}}, "1 of the scaled processes"),
        ({"used": {MACHINE: 1.0}, "expected": 0}, "no processor time"),
        ({"rebalances": 3}, "moved between sinks (3 times)"),
        ({"restarts": {"api-2": 1}}, "api-2 died"),
        ({"failed": 2}, "2 requests failed"),
        ({"outcome": Outcome.FAIL}, "its audit"),
        ({"invalid_because": ["the generator itself was late"]}, "the generator itself was late"),
    ],
)
def test_a_point_that_says_nothing_says_why(changes: dict[str, Any], says: str) -> None:
    """It stays in the result and is no part of the law."""
    assert says in "; ".join(point(**changes).invalid_because)


def points(
    alpha: float, beta: float, noise: float = 0.005, counts: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
) -> list[ScalePoint]:
    """Return two points a number that follow the law but for some noise."""
    random = np.random.default_rng(3)
    return [
        ScalePoint(
            count=n,
            trial=f"t{n}",
            projected_per_s=float(
                5_000 * n / (1 + alpha * (n - 1) + beta * n * (n - 1)) * np.exp(random.normal(0, noise))
            ),
        )
        for n in counts * 2
    ]


def test_the_law_is_fitted_and_told_no_further_than_twice_the_data() -> None:
    """What went in comes out, within its interval."""
    found = finding_of("api", points(0.05, 0.02))
    assert found.gamma is not None
    assert found.alpha is not None
    assert found.beta is not None
    assert found.gamma.low < 5_000 < found.gamma.high
    assert found.alpha.low <= 0.05 <= found.alpha.high
    assert found.beta.low <= 0.02 <= found.beta.high
    assert found.peak is not None
    assert found.peak.low < np.sqrt(0.95 / 0.02) < found.peak.high
    assert [step.count for step in found.curve] == list(range(1, 13))
    assert outcome_of(found, [trial()], interrupted=False) is Outcome.PASS


def test_invalid_points_are_left_out_of_the_law() -> None:
    """Without the six there are too few numbers, and the outcome is INVALID."""
    spoilt = [
        ScalePoint(count=one.count, trial=one.trial, projected_per_s=one.projected_per_s, invalid_because=["busy"])
        if one.count == 6
        else one
        for one in points(0.05, 0.02)
    ]
    found = finding_of("api", spoilt)
    assert found.gamma is None
    assert "6 different numbers" in found.reason
    assert "there are 5" in found.reason
    assert len(found.points) == 12
    assert outcome_of(found, [trial()], interrupted=False) is Outcome.INVALID


@pytest.mark.long
def test_a_law_that_may_be_linear_or_turn_back_is_inconclusive() -> None:
    """Noise that hides both is no finding; figures that leave no room for a turn are one."""
    noisy = finding_of("api", points(0.0, 0.0, noise=0.25))
    assert "cannot be told" in noisy.reason
    assert outcome_of(noisy, [trial()], interrupted=False) is Outcome.INCONCLUSIVE
    assert finding_of("api", points(0.0, 0.0, noise=0.001)).reason == ""
    straight = Interval(0.0, 0.0, 0.01)
    assert open_question(straight, Interval(0.0, 0.0, 1 / 143), 6)
    assert not open_question(straight, Interval(0.0, 0.0, 1 / 145), 6)
    assert not open_question(straight, Interval(0.05, 0.04, 0.06), 6)


def test_a_record_that_grows_cheaper_is_no_law() -> None:
    """Linear is the best that the law knows; better than that is a sign of another effect."""
    dear = [1_000.0, 960.0, 800.0, 700.0, 650.0, 600.0]
    found = finding_of(
        "api",
        [
            ScalePoint(count=n, trial=f"t{n}", projected_per_s=n * 1e6 / cost * noise)
            for n, cost in enumerate(dear, start=1)
            for noise in (0.99, 1.01)
        ],
    )
    assert "grew cheaper" in found.reason
    assert outcome_of(found, [trial()], interrupted=False) is Outcome.INCONCLUSIVE


def test_anything_lost_fails_whatever_the_law() -> None:
    """Also where the run was interrupted."""
    lost = trial(outcome=Outcome.FAIL)
    assert outcome_of(finding_of("api", points(0.05, 0.02)), [lost], interrupted=True) is Outcome.FAIL
    assert outcome_of(ScaleFinding(what="api"), [trial()], interrupted=True) is Outcome.INVALID


def test_numbers_are_interleaved_and_go_back() -> None:
    """1 6 2 5 3 4, then the other way round: a machine that grows slower makes no law."""
    order = ScaleOptions(what="api", repeats=3).order()
    assert [count for count, _ in order[:6]] == [1, 6, 2, 5, 3, 4]
    assert [count for count, _ in order[6:12]] == [4, 3, 5, 2, 6, 1]
    assert order[12:] == [(count, 2) for count in (1, 6, 2, 5, 3, 4)]
    assert [count for count, _ in ScaleOptions(what="api", counts=(8, 1, 4), repeats=1).order()] == [1, 8, 4]


def test_each_process_has_the_same_work() -> None:
    """Partitions are no processes: their one API process and one sink keep the same work."""
    api, partitions = ScaleOptions(what="api"), ScaleOptions(what="partitions")
    assert [(api.users(n), api.rate_per_s(n)) for n in (1, 6)] == [(100, 400), (600, 2_400)]
    assert [(partitions.users(n), partitions.rate_per_s(n)) for n in (1, 6)] == [(100, 400), (100, 400)]
    shapes = {what: ScaleOptions(what=what).stack_options(4) for what in KINDS}
    assert {what: (one.api_processes, one.sinks, one.partitions) for what, one in shapes.items()} == {
        "api": (4, 1, 3), "sinks": (1, 4, 6), "partitions": (1, 1, 4), "workers": (1, 1, 3),
    }  # fmt: skip
    assert SCALED.keys() == KINDS.keys()


def test_all_mistakes_of_a_scale_out_are_named_at_once() -> None:
    """Numbers, names, amounts, and what the stack and the machine do not allow."""
    with pytest.raises(BadOptions) as found:
        ScaleOptions(
            what="sinks", counts=(0, 2, 2, 65), rate_each_per_s=0, users_each=0, duration_s=1, warmup_s=-1, repeats=0,
            path="sync", entity="x", drain_timeout_s=0,
        ).validate()  # fmt: skip
    text = str(found.value)
    for words in (
        "0 is below 1", "2 is there more than once", "sinks is 65", "--rate-each", "--users-each",
        "--duration", "--warmup", "--repeats", "--path", "--entity", "--drain-timeout",
    ):  # fmt: skip
        assert words in text
    with pytest.raises(BadOptions, match="choose 1 to 32"):
        ScaleOptions(what="api", counts=(1, 33)).validate()
    with pytest.raises(BadOptions, match="choose 1 to 32"):
        ScaleOptions(what="workers", counts=(1, 33)).validate()
    with pytest.raises(BadOptions, match="brokers is 2"):
        ScaleOptions(what="api", brokers=2).validate()
    with pytest.raises(BadOptions, match=r"--users-each: .*open files"):
        ScaleOptions(what="api", users_each=1_000).validate(Limits(1_024, None))
    with pytest.raises(BadOptions, match="--what"):
        ScaleOptions(what="brokers").validate()

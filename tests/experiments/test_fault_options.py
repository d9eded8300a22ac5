"""What `fault` may be asked for, and which faults it makes."""

from __future__ import annotations

import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.fault_options import (
    CHAOS_HOLD_S,
    LEAST_BEFORE_S,
    MOST_BEFORE_S,
    FaultOptions,
    options_of,
    sort_out,
    still_told,
)
from seawall.result import FaultFinding, Outcome, Result
from seawall.stack.faults.catalogue import CATALOGUE

KNOWN = ("kill-api", "kill-sink", "lock-tables")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"faults": ("kill-everybody",)}, "unknown 'kill-everybody'"),
        ({"faults": ("kill-api", "kill-api")}, "name each once"),
        ({"path": "carrier-pigeon"}, "--path"),
        ({"entity": "reviewers"}, "--entity"),
        ({"rate_per_s": 0.0}, "--rate"),
        ({"hold_s": -1.0}, "--hold"),
        ({"brokers": 2}, "--brokers"),
        ({"chaos": -1}, "--chaos"),
        ({"hold_s": 26.0}, "leave no time after a fault"),
        ({"duration_s": float("nan")}, "--duration"),
    ],
)
def test_every_mistake_is_named(given: dict[str, object], words: str) -> None:
    """By its option."""
    with pytest.raises(BadOptions, match=words):
        FaultOptions(**given).validate(dict.fromkeys(KNOWN))  # type: ignore[arg-type]


def test_all_mistakes_are_named_at_once() -> None:
    """Nobody should have to ask three times."""
    with pytest.raises(BadOptions) as caught:
        FaultOptions(path="x", rate_per_s=-1.0, brokers=9).validate(dict.fromkeys(KNOWN))
    assert len(caught.value.mistakes) == 3


def test_each_fault_is_made_as_often_as_asked() -> None:
    """In their order, each with a seed and a moment of its own."""
    plans = FaultOptions(repeats=2, seed=7).plans(KNOWN)
    assert [plan.fault for plan in plans] == [*KNOWN, *KNOWN]
    assert [plan.seed for plan in plans] == [7, 8, 9, 10, 11, 12]
    assert len({plan.before_s for plan in plans}) == 6
    assert all(LEAST_BEFORE_S <= plan.before_s <= MOST_BEFORE_S for plan in plans)
    assert {plan.hold_s for plan in plans} == {3.0}


def test_any_of_many_random_faults_can_be_made_again_by_its_seed() -> None:
    """And all kinds come up."""
    many = FaultOptions(chaos=200, seed=1).plans(KNOWN)
    assert {plan.fault for plan in many} == set(KNOWN)
    assert all(0 <= plan.hold_s <= CHAOS_HOLD_S for plan in many)
    (again,) = FaultOptions(chaos=1, seed=many[56].seed).plans(KNOWN)
    assert again == many[56]


def test_times_have_defaults_that_chaos_makes_shorter() -> None:
    """What is given counts."""
    assert (FaultOptions().trial_s, FaultOptions().longest_hold_s) == (30.0, 3.0)
    chaos = FaultOptions(chaos=5)
    assert (chaos.trial_s, chaos.longest_hold_s) == (12.0, 2.5)
    long = FaultOptions(chaos=60, duration_s=57.0, hold_s=10.0)
    assert long.trial_s == 57.0
    assert max(plan.hold_s for plan in long.plans(KNOWN)) > CHAOS_HOLD_S


def test_what_cannot_be_made_is_left_out_and_refused_where_it_was_asked_for() -> None:
    """By its name, before anything runs."""
    obstacles = {"kill-api": "", "kill-sink": "there is none", "lock-tables": ""}
    assert sort_out((), obstacles) == (("kill-api", "lock-tables"), {"kill-sink": "there is none"})
    assert sort_out(("lock-tables",), obstacles) == (("lock-tables",), {})
    with pytest.raises(BadOptions, match="kill-sink cannot be made here: there is none"):
        sort_out(("kill-api", "kill-sink"), obstacles)
    with pytest.raises(BadOptions, match="none of them"):
        sort_out((), {"kill-sink": "there is none"})


def test_the_catalogue_holds_what_the_documents_promise() -> None:
    """Death, standstill and a new start of every process; networks cut, silent and slow; locks, poison and storms."""
    for target in ("api", "sink", "broker", "controller", "postgres", "valkey"):
        assert {f"{verb}-{target}" for verb in ("kill", "pause", "restart")} <= set(CATALOGUE)
    for link in ("api-postgres", "sink-postgres", "api-kafka", "sink-kafka", "api-valkey"):
        assert {f"{verb}-{link}" for verb in ("cut", "silence", "slow")} <= set(CATALOGUE)
    assert {"lock-tables", "exhaust-connections", "poison-records", "rebalance-storm", "wipe-broker"} <= set(CATALOGUE)
    assert all(name == fault.name for name, fault in CATALOGUE.items())


def test_what_said_nothing_is_made_again_and_a_fail_is_not() -> None:
    """A finding has the number of its seed, wherever it stands; a whole run that says something has nothing to do."""
    said = {1: Outcome.PASS, 2: Outcome.INVALID, 3: Outcome.FAIL}
    earlier = _chaos({7 + number: outcome for number, outcome in said.items()}, chaos=3)
    assert {number: one.outcome for number, one in still_told(earlier)} == {1: Outcome.PASS, 3: Outcome.FAIL}
    assert options_of(earlier, chaos=0).chaos == 3
    whole = _chaos({8: Outcome.PASS, 9: Outcome.FAIL}, chaos=2)
    with pytest.raises(BadOptions, match="has all its 2 faults"):
        options_of(whole, chaos=0)


def _chaos(outcomes: dict[int, Outcome], *, chaos: int) -> Result:
    """Return the result of a run with these outcomes, by the seeds of the faults."""
    seed = min(outcomes)
    return Result(
        experiment="fault",
        started_at="2026-01-01T00:00:00+00:00",
        finished_at="2026-01-01T00:01:00+00:00",
        seed=seed,
        outcome=Outcome.INVALID,
        options=FaultOptions(chaos=chaos, seed=seed).as_json(),
        faults=[
            FaultFinding(name="kill-api", does="", arm="kafka", trial="", seed=one, outcome=outcome, reasons=[])
            for one, outcome in outcomes.items()
        ],
    )

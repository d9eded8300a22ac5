"""The answer in words, from results made up for the purpose and from the reference runs."""

from __future__ import annotations

import pytest

from seawall.report.answer import answer_of
from seawall.report.stored import stored_result
from seawall.result import Arm, ArmComparison, AuditCounts, Outcome, Quantiles, Result, Trial
from seawall.stack.places import ROOT

ARMS = [
    Arm(name="sync", path="sync", durability="fsync"),
    Arm(name="grouped", path="grouped", durability="fsync"),
    Arm(name="kafka", path="kafka", durability="1 broker, page cache"),
]


def load(arm: str, *, achieved: float = 4_000.0, lost: int = 0) -> Trial:
    """Return a load trial of 4,000 offered."""
    return Trial(
        name=f"load-{arm}", kind="load", arm=arm, block=0, entity="mixed", started_at="", users=200, duration_s=10.0,
        offered_per_s=4_000.0, achieved_per_s=achieved, requests=40_000, response_ms=Quantiles(p95=5.0, samples=40_000),
        audit=AuditCounts(attempted=40_000, acknowledged=40_000, stored=40_000 - lost, lost=lost),
    )  # fmt: skip


def ratio(base: str, arm: str, value: float, **rest: object) -> ArmComparison:
    """Return a significant ratio of the visible p95 unless told otherwise."""
    figures = {
        "base": base, "arm": arm, "kind": "load", "entity": "mixed", "metric": "visible_p95_ms", "ratio": value,
        "ci_low": value * 0.9, "ci_high": value * 1.1, "significant": True, "says": "larger", **rest,
    }  # fmt: skip
    return ArmComparison(**figures)  # type: ignore[arg-type]


def result(verdicts: dict[str, Outcome], *trials: Trial, **rest: object) -> Result:
    """Return a comparison with these verdicts."""
    figures = {
        "experiment": "compare", "started_at": "", "finished_at": "", "seed": 1, "outcome": Outcome.PASS,
        "arms": ARMS, "trials": list(trials or [load(arm.name) for arm in ARMS]), "verdicts": verdicts, **rest,
    }  # fmt: skip
    return Result(**figures)  # type: ignore[arg-type]


P, F, OPEN, N = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.INVALID


@pytest.mark.parametrize(
    ("sync", "grouped", "kafka", "word", "names"),
    [
        pytest.param(P, P, P, "No, not at this load", "sync held every target", id="all hold"),
        pytest.param(F, P, P, "No, not at this load", "grouped held every target", id="batching is enough"),
        pytest.param(F, P, F, "No, not at this load", "kafka came out FAIL", id="only batching holds"),
        pytest.param(F, F, P, "Yes", "kafka held every target and sync and grouped did not", id="only kafka holds"),
        pytest.param(F, F, F, "No path is enough", "every path missed", id="none holds"),
        pytest.param(N, F, P, "It cannot be told", "sync came out INVALID", id="one says nothing"),
        pytest.param(F, F, OPEN, "It cannot be told", "kafka came out INCONCLUSIVE", id="one straddles"),
    ],
)
def test_the_verdicts_decide_the_answer(sync: Outcome, grouped: Outcome, kafka: Outcome, word: str, names: str) -> None:
    """The simplest path that holds is enough, and what is open stays open."""
    answer = answer_of(result({"sync": sync, "grouped": grouped, "kafka": kafka}))
    assert answer.word == word
    assert names in answer.sentence
    assert answer.sentence.startswith("At 4,000 writes a second by 200 users, ")


def test_something_lost_comes_before_any_verdict() -> None:
    """No speed makes up for it."""
    answer = answer_of(result({"sync": P, "grouped": P, "kafka": P}, load("sync"), load("kafka", lost=3)))
    assert answer.word == "Not like this"
    assert "kafka lost records" in answer.sentence


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param(ratio("sync", "kafka", 8.0), "8 times later (95 % interval 7.2 to 8.8)", id="later"),
        pytest.param(ratio("sync", "kafka", 0.5), "2 times sooner", id="sooner"),
        pytest.param(
            ratio("sync", "kafka", 8.0, ci_low=None, ci_high=None, significant=False),
            "too few trials tell",
            id="too few",
        ),
        pytest.param(
            ratio("sync", "kafka", 1.1, significant=False), "no difference in when records become visible", id="neither"
        ),
    ],
)
def test_how_much_later_or_sooner_stands_beside_it(row: ArmComparison, says: str) -> None:
    """With the interval, or without a claim."""
    answer = answer_of(result({"sync": P, "grouped": P, "kafka": P}, comparisons=[row]))
    assert says in answer.sentence


def test_a_path_that_fell_behind_says_how_much_it_carried() -> None:
    """That is the load from which on the answer turns."""
    trials = [load("sync", achieved=3_100.0), load("sync", achieved=3_300.0), load("kafka")]
    answer = answer_of(result({"sync": F, "grouped": P, "kafka": P}, *trials))
    assert answer.from_which_load[0] == "sync carried 3,100 to 3,300 writes a second of 4,000 offered."


def test_from_how_many_records_on_counts_what_lasts() -> None:
    """Quicker at 500 and 1,000 and not at 100: from 500 on."""
    rows = [
        ratio("sync", "kafka", r, kind="data", metric="duration_s", count=count, entity="users", says=says)
        for count, r, says in ((100, 1.0, "no difference shown"), (500, 0.7, "smaller"), (1_000, 0.5, "smaller"))
    ]
    answer = answer_of(result({}, comparisons=rows))
    assert (
        "From 500 records sent at once, kafka is quicker than sync: it takes 0.70 of the time."
        in answer.from_which_load
    )


def test_unequal_durability_and_one_machine_are_said() -> None:
    """The doubts stand beside the answer."""
    answer = answer_of(result({"sync": P, "kafka": P}, environment={"cores": 2}))
    assert any("1 broker, page cache" in doubt for doubt in answer.doubts)
    assert any("2 cores" in doubt for doubt in answer.doubts)


def test_nothing_measured_is_said() -> None:
    """No traceback, and no claim."""
    assert answer_of(result({}, trials=[])).word == "Nothing was measured"


@pytest.mark.parametrize("run", ["20261121-default", "20261121-load-4000-per-s"])
def test_the_reference_runs_say_no(run: str) -> None:
    """With a fast local disk batching is enough at these loads."""
    assert answer_of(stored_result(ROOT / "results" / "reference" / run)).word == "No, not at this load"

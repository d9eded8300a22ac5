"""What a run of feeds may be asked for, what its times are, and what they say."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.feed import Deliveries, FeedCounts
from seawall.audit.ledger import Ledger
from seawall.cli.shared_options import TARGETS_FILE
from seawall.cli.targets_file import read_targets
from seawall.experiments.errors import BadOptions
from seawall.experiments.figures import Window
from seawall.experiments.live_figures import live_figures
from seawall.experiments.live_judgement import (
    NAME,
    answer_words,
    judged,
    judged_arrivals,
    lateness_of_subscribers,
    outcome_of,
    target_of,
)
from seawall.experiments.stream_live_options import LiveOptions
from seawall.result import InstrumentHealth, LiveFinding, Outcome, Quantiles, Trial
from seawall.stack.limits import Limits
from seawall.targets.target import Targets

MS = 10**6
TARGETS = read_targets(TARGETS_FILE)


def test_the_defaults_are_what_has_to_be_reached() -> None:
    """2,000 subscribers at 1,000 records a second, on a stack with both feeds."""
    options = LiveOptions()
    options.validate()
    assert (options.subscribers, options.rate_per_s) == (2_000, 1_000.0)
    assert options.stack().feeds == ("log", "database")
    assert options.stack().environment == {"SEAWALL_FEED_POLL_MS": "500"}
    assert not LiveOptions(sources=("database",)).stack().kafka


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"sources": ("log", "rumour")}, "--sources: unknown 'rumour'"),
        ({"sources": ()}, "--sources: name some"),
        ({"sources": ("log", "log")}, "each once"),
        ({"rate_per_s": float("nan")}, "--rate"),
        ({"subscribers": 0}, "--subscribers: must not be below 1"),
        ({"whole": -1}, "--whole: must not be below 0"),
        ({"silent": -1}, "--silent"),
        ({"writers": 0}, "--writers"),
        ({"sse": 1.5}, "--sse"),
        ({"returning": -0.1}, "--returning"),
        ({"duration_s": 0.5}, "--duration: must take at least 1 s"),
        ({"warmup_s": float("inf")}, "--warmup"),
        ({"poll_ms": 1.0}, "--poll: choose 10 ms to 60 s"),
        ({"drain_timeout_s": 0.0}, "--drain-timeout"),
        ({"brokers": 2}, "brokers is 2"),
        ({"whole": 1_000}, "are more than 5,000,000"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    """Each mistake by the name of its option."""
    with pytest.raises(BadOptions, match=says):
        LiveOptions(**given).validate()


def test_all_mistakes_are_named_at_once_and_the_machine_has_a_say() -> None:
    """Each subscriber is an open file at either end."""
    with pytest.raises(BadOptions) as caught:
        LiveOptions(rate_per_s=0, subscribers=0, poll_ms=0).validate()
    assert all(name in str(caught.value) for name in ("--rate", "--subscribers", "--poll"))
    with pytest.raises(BadOptions, match=r"--subscribers: .*open files"):
        LiveOptions().validate(Limits(1_024, None))


def ledger() -> Ledger:
    """Return that of 400 records, 2.5 ms apart, each accepted after 3 ms."""
    due_ns = np.arange(400, dtype=np.int64) * MS * 5 // 2
    return Ledger(
        run=Run(1, 1), seed=1, shape=Shape(), endpoints=("POST /v1/kafka/orders",),
        user=np.zeros(400, dtype=np.uint32), sequence=np.arange(400, dtype=np.uint32),
        entity=np.full(400, 3, dtype=np.uint8), endpoint=np.zeros(400, dtype=np.uint8),
        intended_ns=due_ns, sent_ns=due_ns, answered_ns=due_ns + 3 * MS, status=np.full(400, 202, dtype=np.uint16),
        overruled=np.zeros(400, dtype=np.bool_), denied=np.zeros(400, dtype=np.bool_),
    )  # fmt: skip


def test_the_stages_of_the_way_are_told_apart_over_the_judged_time() -> None:
    """What was due before is left out, and what is missing counts as later than all others."""
    sent = ledger()
    request = np.arange(400, dtype=np.int64)
    due_ns = sent.intended_ns
    late_ns = np.where(request < 200, 900, 20) * MS  # before the judged time everything was slow
    found = Deliveries(request, due_ns + late_ns - 5 * MS, due_ns + late_ns)
    window = Window(500 * MS, 1_000 * MS)
    figures = live_figures(sent, found, FeedCounts(), window)
    told = (figures.accepted_ms, figures.propagation_ms, figures.delivery_ms, figures.arrival_ms)
    assert [(one.p50, one.p95, one.samples) for one in told] == [
        (3.0, 3.0, 200), (12.0, 12.0, 200), (5.0, 5.0, 200), (20.0, 20.0, 200),
    ]  # fmt: skip
    assert figures.deliveries_per_s == 464.0  # of the late ones, those that came in it count as well
    with_gaps = live_figures(sent, found, FeedCounts(missing=40), window)
    assert with_gaps.arrival_ms.p95 is None
    assert with_gaps.arrival_ms.samples == 240


def test_arrivals_are_held_to_the_target_for_visible_rows() -> None:
    """A second where no target says otherwise."""
    assert str(target_of(TARGETS).limit) == str(target_of(Targets(source_name="none", targets=())).limit)
    quick = Quantiles(p95=200.0, p95_low=180.0, p95_high=220.0, samples=5_000)
    row = judged_arrivals(target_of(TARGETS), quick, "kafka", [])
    assert (row.name, row.metric, row.outcome, row.measured) == (NAME, "arrival_p95_ms", Outcome.PASS, 200.0)
    slow = Quantiles(p95=1_200.0, p95_low=1_100.0, p95_high=1_300.0, samples=5_000)
    assert judged_arrivals(target_of(TARGETS), slow, "kafka", []).outcome is Outcome.FAIL
    assert judged_arrivals(target_of(TARGETS), quick, "kafka", ["it was late"]).outcome is Outcome.INVALID
    assert judged_arrivals(target_of(TARGETS), Quantiles(), "kafka", []).outcome is Outcome.INVALID
    never = Quantiles(samples=100)
    assert judged_arrivals(target_of(TARGETS), never, "kafka", []).measured is None


TRIAL = Trial(name="kafka-live", kind="load", arm="kafka", block=1, entity="orders", started_at="", users=5)
GOOD = LiveFinding(
    arm="kafka", path="kafka", source="log", trial="kafka-live", offered_per_s=10.0, subscribers=10, whole=1, silent=2,
    dropped=2, expected=100, delivered=100, arrival_ms=Quantiles(p95=200.0, samples=100),
    target=judged_arrivals(
        target_of(TARGETS), Quantiles(p95=200.0, p95_low=180.0, p95_high=220.0, samples=100), "kafka", []
    ),
    outcome=Outcome.PASS,
)  # fmt: skip
LATE = judged_arrivals(
    target_of(TARGETS), Quantiles(p95=2_000.0, p95_low=1_800.0, p95_high=2_200.0, samples=100), "kafka", []
)


@pytest.mark.parametrize(
    ("changes", "trial", "invalid", "outcome", "says"),
    [
        ({}, {}, [], Outcome.PASS, ""),
        ({"missing": 1}, {}, ["late"], Outcome.FAIL, "1 deliveries missing"),
        ({"doubled": 1}, {}, [], Outcome.FAIL, "1 deliveries doubled"),
        ({"disordered": 2}, {}, [], Outcome.FAIL, "2 deliveries out of order"),
        ({"strayed": 1, "examples": ["x"]}, {}, [], Outcome.FAIL, "such as x"),
        ({}, {"outcome": Outcome.FAIL, "reasons": ["1 lost"]}, [], Outcome.FAIL, "1 lost"),
        ({}, {}, ["the generator was late"], Outcome.INVALID, "the generator was late"),
        ({}, {"outcome": Outcome.INCONCLUSIVE, "reasons": ["no proof"]}, [], Outcome.INCONCLUSIVE, "no proof"),
        ({"target": LATE}, {}, [], Outcome.FAIL, "misses < 1000 ms"),
        ({"target": LATE, "source": "database"}, {}, [], Outcome.PASS, ""),
        ({"dropped": 1}, {}, [], Outcome.INCONCLUSIVE, "let go of 1 of 2"),
        ({"dropped": 0, "source": "database"}, {}, [], Outcome.PASS, ""),
    ],
)
def test_what_is_wrong_fails_and_what_is_not_told_says_nothing(
    changes: dict[str, Any], trial: dict[str, Any], invalid: list[str], outcome: Outcome, says: str
) -> None:
    """That those who ask the database are late is no FAIL, but the answer."""
    finding = msgspec.structs.replace(GOOD, **changes)
    found, reasons = judged(finding, msgspec.structs.replace(TRIAL, **trial), invalid)
    assert found is outcome
    assert says in "; ".join(reasons)
    assert bool(says) == bool(reasons)


def test_the_answer_says_whether_all_arrived_in_time() -> None:
    """And nothing where the trial does not tell."""
    assert answer_words(GOOD) == "in time: p95 200 ms from due to arrival; all 100 deliveries, each once"
    assert answer_words(msgspec.structs.replace(GOOD, target=LATE)).startswith("late")
    flawed = msgspec.structs.replace(GOOD, missing=3, outcome=Outcome.FAIL)
    assert "not all 100 deliveries" in answer_words(flawed)
    assert answer_words(msgspec.structs.replace(GOOD, outcome=Outcome.INVALID)) == ""


def test_a_run_that_ended_early_says_nothing_unless_it_failed() -> None:
    """One that failed has failed."""
    assert outcome_of([GOOD], whole=True) is Outcome.PASS
    assert outcome_of([GOOD], whole=False) is Outcome.INVALID
    assert outcome_of([msgspec.structs.replace(GOOD, outcome=Outcome.FAIL)], whole=False) is Outcome.FAIL


def test_subscribers_that_are_late_themselves_make_a_trial_invalid() -> None:
    """Beyond a twentieth of the limit, or where their process has no time left."""
    assert list(lateness_of_subscribers(InstrumentHealth(loop_lag_p99_ms=49.0), 1_000.0)) == []
    assert len(list(lateness_of_subscribers(InstrumentHealth(loop_lag_p99_ms=51.0, cpu_share=0.95), 1_000.0))) == 2

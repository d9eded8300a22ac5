"""What a burst did to requests: from ledgers of which all is known."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from burst_requests import COUNT, LIMITS_MS, PROFILE, burst_requests

from seawall.cli.shared_options import TARGETS_FILE
from seawall.experiments.burst_figures import BurstFigures, BurstRequests, burst_figures, burst_stages
from seawall.experiments.burst_judgement import answer_words, judged, outcome_of
from seawall.load.profile import Profile
from seawall.result import AuditCounts, BurstFinding, BurstStage, Outcome, Trial
from seawall.targets.parse import parse_targets

TARGETS = parse_targets(TARGETS_FILE.read_text(encoding="utf-8"), "targets.toml")
BURST = range(300, 500)
SHORT = Profile(
    name="burst",
    stages=tuple(
        msgspec.structs.replace(stage, duration_s={"settling": 2.9, "before": 0.1}.get(stage.name, stage.duration_s))
        for stage in PROFILE.stages
    ),
)
"""Ten requests before the burst."""


def trial(**rest: object) -> Trial:
    """Return the trial of these requests."""
    given: dict[str, object] = {
        "name": "kafka-burst", "kind": "load", "arm": "kafka", "block": 1, "entity": "users", "started_at": "",
        "users": COUNT, "audit": AuditCounts(attempted=COUNT, acknowledged=COUNT, stored=COUNT), **rest,
    }  # fmt: skip
    return Trial(**given)  # type: ignore[arg-type]


def told(requests: BurstRequests, **rest: object) -> tuple[list[BurstStage], BurstFigures, str, Outcome, list[str]]:
    """Return stages, figures, answer, outcome and reasons."""
    stages = list(burst_stages(requests, trial(), TARGETS, LIMITS_MS))
    figures = burst_figures(requests, LIMITS_MS)
    outcome, reasons = judged(stages, figures, trial(**rest))
    return stages, figures, answer_words(stages, figures), outcome, reasons


def test_a_burst_that_changes_nothing_is_absorbed() -> None:
    """All in time, and all as before at once; the last rows of it are visible right after its end."""
    stages, figures, answer, outcome, reasons = told(burst_requests())
    assert [(one.name, one.begins_s, one.offered, one.in_time) for one in stages] == [
        ("before", 1.0, 200, 200), ("burst", 3.0, 200, 200), ("after", 5.0, 500, 500),
    ]  # fmt: skip
    assert [one.outcome for one in stages] == [Outcome.PASS] * 3
    assert {row.metric for row in stages[1].targets} == {"response_p95_ms", "visible_p95_ms", "error_ratio"}
    assert (answer, outcome, reasons) == ("absorbed", Outcome.PASS, [])
    assert (figures.lag_highest, figures.all_visible_s, figures.recover_s) == (5, 0.045, 0.0)


def test_every_request_of_the_burst_is_in_one_class() -> None:
    """In time, late, refused, failed or not sent; what happens in other stages is theirs."""
    status = {300: 503, 301: 429, 302: 503, 303: 0, 304: 500, 200: 503}
    requests = burst_requests(status, {305: 201.0, 306: 5_000.0, 300: 2.0, 301: 4.0, 302: 90.0}, unsent=[310, 700])
    (before, burst, after), figures, *_ = told(requests)
    assert (burst.in_time, burst.late, burst.refused, burst.failed, burst.unsent) == (192, 2, 3, 2, 1)
    assert (before.refused, before.offered, after.unsent, after.offered) == (1, 200, 1, 500)
    assert burst.offered == burst.in_time + burst.late + burst.refused + burst.failed + burst.unsent == 200
    assert figures.refused_p50_ms == pytest.approx(4.0)


def test_refusals_are_a_burst_that_was_shed() -> None:
    """With how many and how quickly; nothing was lost, so it is an answer and no FAIL."""
    refused = dict.fromkeys(range(320, 500), 503)
    _, figures, answer, outcome, _ = told(burst_requests(refused, dict.fromkeys(refused, 2.0)))
    assert answer == "shed: 180 of 200 refused with 503, half of them within 2 ms"
    assert outcome is Outcome.PASS
    assert figures.recover_s == 0.0
    assert figures.all_visible_s == 0.0


def test_late_answers_and_late_rows_are_told_apart() -> None:
    """A log answers at once, and its rows come late; a queue before the database answers late."""
    # the k-th request of the burst is seen 20 ms per request later, the last one 4 s late
    behind = {number: 50.0 + 20.0 * (number - 300) for number in BURST}
    _, figures, answer, outcome, _ = told(burst_requests(seen_after_ms=behind))
    assert answer.startswith("visible late: 152 rows, p95 3,")
    assert answer.endswith("ms, all of it 4.0 s after the burst")
    assert figures.all_visible_s == pytest.approx(4.025, abs=0.02)
    assert figures.lag_highest > 100
    assert outcome is Outcome.PASS
    at_once = dict.fromkeys(range(COUNT), 0.0)
    _, _, late, _, _ = told(burst_requests(took_ms=dict.fromkeys(BURST, 1_800.0), seen_after_ms=at_once))
    assert late == "late: 200 answered late, p95 1,800 ms"


def test_what_never_is_visible_has_no_time() -> None:
    """Nor has a burst of which nothing was accepted."""
    assert told(burst_requests(seen_after_ms={400: None}))[1].all_visible_s is None
    assert told(burst_requests(dict.fromkeys(BURST, 503)))[1].all_visible_s is None


def test_a_trial_that_ends_before_all_is_as_before_proves_nothing() -> None:
    """Late to the end, or with requests that could not be sent at all."""
    late = dict.fromkeys(range(300, COUNT), 900.0)
    for requests in (burst_requests(took_ms=late), burst_requests(unsent=range(980, COUNT))):
        *_, outcome, reasons = told(requests)
        assert outcome is Outcome.INCONCLUSIVE
        assert "--after makes it longer" in reasons[0]


def test_a_rate_that_is_too_much_before_the_burst_says_nothing_of_it() -> None:
    """Whatever became of the burst; the message says what to do."""
    *_, outcome, reasons = told(burst_requests(dict.fromkeys(range(150, 300), 503)))
    assert outcome is Outcome.INVALID
    assert reasons[0].startswith("100 a second were too much already before the burst, lower --rate: few requests fail")


def test_too_few_requests_before_the_burst_are_said_to_be_too_few() -> None:
    """Not too many."""
    requests = replace(burst_requests(), profile=SHORT)
    outcome, reasons = judged(
        list(burst_stages(requests, trial(), TARGETS, LIMITS_MS)), burst_figures(requests, LIMITS_MS), trial()
    )
    assert outcome is Outcome.INVALID
    assert "--before makes it longer" in reasons[0]


def test_losses_fail_whatever_else_is_known() -> None:
    """Also where the instrument was late."""
    lost = trial(outcome=Outcome.FAIL, reasons=["2 lost"], invalid_because=["late"])
    stages = list(burst_stages(burst_requests(), lost, TARGETS, LIMITS_MS))
    assert judged(stages, burst_figures(burst_requests(), LIMITS_MS), lost) == (Outcome.FAIL, ["2 lost"])


@pytest.mark.parametrize(
    ("rest", "outcome", "says"),
    [
        ({"outcome": Outcome.INVALID, "invalid_because": ["the generator itself was late"]}, Outcome.INVALID, "itself"),
        ({"visible_by": "reader"}, Outcome.INVALID, "journal"),
        ({"outcome": Outcome.INCONCLUSIVE, "reasons": ["not proven"]}, Outcome.INCONCLUSIVE, "not proven"),
    ],
)
def test_a_trial_that_does_not_tell_is_no_answer(rest: dict[str, object], outcome: Outcome, says: str) -> None:
    """Its reason is the finding's."""
    *_, found, reasons = told(burst_requests(), **rest)
    assert found is outcome
    assert says in reasons[0]


def test_a_run_is_what_its_bursts_are_and_only_when_all_were_made() -> None:
    """Unless one failed, which no other makes good."""

    def finding(outcome: Outcome) -> BurstFinding:
        return BurstFinding(
            arm="a", path="sync", trial="t", base_per_s=1, burst_per_s=2, begin_s=0, end_s=1, outcome=outcome
        )

    good, bad = finding(Outcome.PASS), finding(Outcome.FAIL)
    assert outcome_of([good, good], whole=True) is Outcome.PASS
    assert outcome_of([good], whole=False) is Outcome.INVALID
    assert outcome_of([], whole=False) is Outcome.INVALID
    assert outcome_of([bad], whole=False) is Outcome.FAIL

"""The model's service over HTTP: what it judges, what is simulated of it, and how whoever asks it copes."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from new_records import new_record

from contract.entities import Review
from contract.review_model import PATH, Asked, question
from contract.review_texts import review_text
from contract.reviews import REVIEWS
from seawall.stack.places import ROOT
from workers.review_model.sentiment import Sentiment
from workers.reviews.breaker import Breaker
from workers.reviews.errors import Refused, Stopped, Throttled, Unavailable
from workers.reviews.judging import Judging, Patience
from workers.reviews.model import ModelClient


@contextlib.contextmanager
def serving(**settings: object) -> Iterator[str]:
    """Run the service with these settings; give the base of its API."""
    own = {f"SEAWALL_MODEL_{name.upper()}": str(value) for name, value in {"port": 0, **settings}.items()}
    command = [sys.executable, "-P", "-m", "workers.review_model"]
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def counts(url: str) -> dict[str, int]:
    """Return what the service has counted."""
    found: dict[str, int] = httpx.get(url.removesuffix("/v1") + "/counts").json()
    return found


def client(url: str, **changes: object) -> ModelClient:
    """Return a client of it."""
    return ModelClient(url, "some", **{"key": "", "timeout_s": 20.0, **changes})  # type: ignore[arg-type]


def judging(url: str, attempts: int = 4, stop: threading.Event | None = None) -> Judging:
    """Return what asks it, with short pauses."""
    patience = Patience(attempts, 0.01, 0.05)
    return Judging(client(url), Breaker(5, 0.1), patience, stop or threading.Event())


def reviews(count: int) -> list[Review]:
    """Return reviews with texts that differ."""
    found = []
    for number in range(count):
        one = new_record(REVIEWS)
        assert isinstance(one, Review)
        found.append(msgspec.structs.replace(one, review_text=f"{one.review_text} {number}"))
    return found


def test_both_lexicons_judge_the_texts_that_we_make_as_they_are_meant() -> None:
    """Korean by stems, English by VADER; texts in neither language are neutral."""
    sentiment, rng = Sentiment(), random.Random(1)
    for opinion, text in {review_text(rng) for _ in range(1_000)}:
        assert sentiment.judge(Asked(1, text)).sentiment == opinion, text
    assert sentiment.judge(Asked(1, "12345 !!!")).score == 0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("좋지 않아요", "negative"), ("안 좋아요", "negative"), ("나쁘지 않아요", "positive"),
        ("추천하지 않습니다", "negative"), ("정말 좋아요", "positive"), ("not good at all", "negative"),
        ("배송이 느려서 실망했어요", "negative"), ("친절하고 빨라요", "positive"), ("불친절해요", "negative"),
    ],
)  # fmt: skip
def test_negation_turns_a_word_round(text: str, word: str) -> None:
    """Before the stem and behind it."""
    assert Sentiment().judge(Asked(1, text)).sentiment == word


def test_the_service_answers_as_openai_does_and_counts() -> None:
    """A key that is set is asked for, and what is no call is refused."""
    with serving(api_key="secret") as url:
        said = client(url, key="secret").ask(["I love it", "최악입니다"])
        assert {number: one.sentiment for number, one in said.items()} == {1: "positive", 2: "negative"}
        with pytest.raises(Unavailable, match="401"):
            client(url, key="wrong").ask(["text"])
        head = {"Authorization": "Bearer secret"}
        assert httpx.post(f"{url}{PATH}", content=question("some", ["text"]), headers=head).json()["choices"]
        for wrong in (b"", b"\xff", b'{"model": "some", "messages": []}'):
            assert httpx.post(f"{url}{PATH}", content=wrong, headers=head).status_code == 400
        assert counts(url) == {
            "calls": 6, "answered": 2, "throttled": 0, "errors": 0, "nonsense": 0, "halves": 0, "refused": 4,
            "reviews": 3, "mute": 0,
        }  # fmt: skip


def test_more_calls_than_the_limit_are_told_to_wait() -> None:
    """By 429 and for how long, and whoever asks keeps to it."""
    with serving(simulated_calls_per_s=20, simulated_burst=2) as url:
        asking = client(url)
        with pytest.raises(Throttled) as refused:
            [asking.ask(["text"]) for _ in range(20)]
        assert 0 < refused.value.wait_s <= 0.06
        patient = judging(url)
        for one in reviews(6):
            assert patient.judge([one])[0]
        assert patient.counts()["throttled"] >= 1
        assert counts(url)["throttled"] >= 2


def test_of_half_an_answer_only_the_rest_is_asked_about_again() -> None:
    """20, 10, 5, 2 and 1: no review is paid for twice once it is judged."""
    with serving(simulated_halves=1.0) as url:
        patient, wanted = judging(url, attempts=6), reviews(20)
        judged, given_up = patient.judge(wanted)
        assert (set(judged), given_up) == ({one.id for one in wanted}, {})
        found = patient.counts()
        assert (found["calls"], found["asked"], found["partial"], found["whole"]) == (5, 20 + 10 + 5 + 2 + 1, 4, 1)


def test_a_text_about_which_the_model_says_nothing_is_given_up_alone() -> None:
    """After as many attempts as are allowed, with the reason; its neighbours are judged."""
    with serving(simulated_mute=0.3) as url:
        judged, given_up = judging(url).judge(reviews(20))
        assert len(judged) + len(given_up) == 20
        assert 0 < len(given_up) < 15
        assert set(given_up.values()) == {"the model leaves it out; asked 4 times"}
        assert counts(url)["mute"] == 4 * len(given_up)


def test_nonsense_has_a_batch_asked_about_in_halves() -> None:
    """A model that says nothing else has each review given up in the end, and none is lost."""
    with serving(simulated_nonsense=1.0) as url:
        patient, wanted = judging(url, attempts=2), reviews(4)
        judged, given_up = patient.judge(wanted)
        assert (judged, set(given_up)) == ({}, {one.id for one in wanted})
        assert patient.counts()["nonsense"] == counts(url)["nonsense"] == 1 + 2 + 2 * 4


def test_a_model_that_fails_costs_time_and_no_attempt() -> None:
    """Every review is judged, though most calls fail and the breaker opens."""
    with serving(simulated_errors=0.8, simulated_seed=2) as url:
        patient = judging(url, attempts=1)
        judged, given_up = patient.judge(reviews(5))
        assert (len(judged), given_up) == (5, {})
        for one in reviews(4):
            assert patient.judge([one])[0]
        assert patient.counts()["unavailable"] == counts(url)["errors"] > 0


def test_a_call_that_is_refused_is_not_tried_again() -> None:
    """A review that the model refuses alone is given up at once."""
    with serving() as url:
        bare = client(url + "/nowhere")
        with pytest.raises(Unavailable, match="404"):
            bare.ask(["text"])  # a wrong address is no fault of a review
        too_large = ["x" * (9 << 20)]
        with pytest.raises(Refused, match="413"):
            client(url).ask(too_large)
        one = msgspec.structs.replace(reviews(1)[0], review_text=too_large[0])
        judged, given_up = judging(url).judge([one, *reviews(1)])
        assert (len(judged), list(given_up)) == (1, [one.id])


def test_whoever_waits_for_a_model_that_is_away_can_be_stopped() -> None:
    """Nothing is given up by it."""
    stop = threading.Event()
    patient = judging("http://127.0.0.1:9/v1", stop=stop)
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Stopped):
        patient.judge(reviews(2))
    assert patient.counts()["unavailable"] >= 1

"""How reviews are put to a model, what of its answer is taken, and what a message of a job may be."""

from __future__ import annotations

import random

import msgspec
import pytest
from new_records import new_record

from contract.entities import ENTITIES, Review
from contract.errors import InvalidRecord, NoJudgements
from contract.review_model import (
    Asked,
    ChatMessage,
    ChatRequest,
    Judgement,
    answer,
    asked_in,
    judgements_in,
    question,
)
from contract.review_texts import OPINIONS, review_text
from contract.reviews import REVIEWS, job_of, reviews_in

SAID = [Judgement(1, "positive", 0.5), Judgement(2, "negative", -1)]


def saying(text: str) -> bytes:
    """Return an answer whose text is *text*."""
    return msgspec.json.encode({"choices": [{"message": {"role": "assistant", "content": text}}]})


def review(**changes: object) -> Review:
    """Return a review."""
    made = msgspec.structs.replace(new_record(ENTITIES["reviews"]), **changes)
    assert isinstance(made, Review)
    return made


def test_a_question_can_be_read_and_answered() -> None:
    """Both ends speak of the same numbers, and texts stay as they are."""
    request = msgspec.json.decode(question("some", ["좋아요", 'bad "one"']), type=ChatRequest)
    assert [one.role for one in request.messages] == ["system", "user"]
    assert asked_in(request) == [Asked(1, "좋아요"), Asked(2, 'bad "one"')]
    assert judgements_in(answer("some", SAID), 2) == {1: SAID[0], 2: SAID[1]}


@pytest.mark.parametrize("content", ["", "hello", "{}", '[{"n": "x"}]'])
def test_a_call_without_reviews_is_none(content: str) -> None:
    """It is told from one with reviews."""
    with pytest.raises(NoJudgements):
        asked_in(ChatRequest("some", [ChatMessage("user", content)]))
    with pytest.raises(NoJudgements):
        asked_in(ChatRequest("some", []))


def test_of_an_answer_what_is_of_use_is_taken() -> None:
    """A fence around it, strange entries, unknown numbers and repeats do no harm."""
    entries = [
        {"n": 1, "sentiment": "positive", "score": 0.5},
        {"n": 1, "sentiment": "negative", "score": -1},
        {"n": 2, "sentiment": "splendid", "score": 0.5},
        {"n": 3, "sentiment": "neutral", "score": 7},
        {"n": 9, "sentiment": "neutral", "score": 0},
        "what?",
    ]
    text = msgspec.json.encode({"reviews": entries}).decode()
    for said in (text, f"```json\n{text}\n```", f" {text}\n"):
        assert judgements_in(saying(said), 4) == {1: SAID[0]}


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"{}", b'{"choices": []}', saying("no JSON"), saying("[]"), saying('{"reviews": 1}')]
)
def test_an_answer_without_a_list_is_none(body: bytes) -> None:
    """Whatever it is instead."""
    with pytest.raises(NoJudgements):
        judgements_in(body, 4)


def test_a_job_is_read_back() -> None:
    """All its reviews, in their order."""
    first = review()
    second = review(job_id=first.job_id)
    assert reviews_in(job_of([first, second])) == [first, second]


def test_what_is_no_job_is_refused() -> None:
    """No list, an empty one, a review twice, two jobs, or a text that cannot be stored."""
    one = review()
    wrong = [b"", b"\xff", b"{}", b"[]", b"[1]", b"[" * 5_000]
    wrong += [job_of(many) for many in ([one, one], [one, review()], [review(review_text="a\0b")])]
    for value in wrong:
        with pytest.raises(InvalidRecord):
            reviews_in(value)


def test_equal_draws_give_equal_texts_in_both_languages() -> None:
    """All opinions occur, and every text fits its column."""
    rng, again = random.Random(3), random.Random(3)
    drawn = [review_text(rng) for _ in range(500)]
    assert drawn == [review_text(again) for _ in range(500)]
    assert {opinion for opinion, _ in drawn} == set(OPINIONS)
    korean = sum(any("가" <= letter <= "힣" for letter in text) for _, text in drawn)
    assert 200 < korean < 300
    assert REVIEWS.fields == ("id", "job_id", "review_id", "product_id", "rating", "review_text", "written_at")

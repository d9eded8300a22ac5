"""What is found in a review's text, and the reference to which the job is held."""

from __future__ import annotations

import msgspec
import pytest

from contract.codecs import JsonCodec
from contract.features import Features
from contract.ids import new_run
from contract.reviews import REVIEWS
from seawall.load.feature_feed import FeatureLoad
from seawall.stack.spark import reference
from workers.spark_job.text import clean, features_of, normalise, quality


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<b>Great</b>  kettle\n\x00", "Great kettle"),
        ("\uff46\uff55\uff4c\uff4c\u3000width", "full width"),
        ("좋아요", "좋아요"),
        ("3 < 4", "3 < 4"),
    ],
)
def test_text_loses_what_says_nothing(text: str, plain: str) -> None:
    """Markup, control characters, and forms of one and the same letter."""
    assert normalise(clean(text)) == plain


def test_quality_is_of_words_and_of_letters_that_differ() -> None:
    """From 0 to 1."""
    assert quality("") == quality("!!!") == 0
    assert quality("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") < quality("The lamp") < quality("The lamp broke after two days")
    assert quality("The lamp broke after two days") == 1


def test_language_and_sentiment_are_those_of_the_model() -> None:
    """In Korean and in English."""
    assert features_of("정말 좋아요, 추천합니다")[1:] == (
        "ko",
        3,
        0.6,
        "positive",
        features_of("정말 좋아요, 추천합니다").score,
    )
    assert features_of("Terrible, it broke").sentiment == "negative"


def test_a_load_has_repeats_and_a_clock_that_jumps() -> None:
    """A repeat comes soon and within its step; within a step less time passes than any watermark allows."""
    load = FeatureLoad.drawn(
        warmup=5, steady=200, burst=10, jobs=7, steps=8, simulated_days=6, repeats=0.2, seed=2, run=new_run()
    )
    steady = [due.review for due in load.steady]
    assert 210 < len(steady) < 280
    assert len({one.id for one in steady}) == 200
    steps = [due.step for due in load.steady]
    assert steps == sorted(steps)
    assert set(steps) == set(range(1, 9))
    for step in set(steps):
        times = [due.review.written_at for due in load.steady if due.step == step]
        assert (max(times) - min(times)).total_seconds() < 3_600
    days = (load.burst[-1].review.written_at - load.warmup[0].review.written_at).total_seconds() / 86_400
    assert 6 <= days < 8


def test_the_reference_has_each_review_once() -> None:
    """By plain Python, in a process of its own."""
    load = FeatureLoad.drawn(
        warmup=1, steady=20, burst=1, jobs=2, steps=1, simulated_days=1, repeats=1.0, seed=1, run=new_run()
    )
    codec = JsonCodec()
    found = reference(codec.encode(REVIEWS, one) for one in load.messages())
    decoded = [msgspec.json.decode(line, type=Features) for line in found]
    assert [one.id for one in decoded] == list(dict.fromkeys(str(one.id) for one in load.messages()))
    assert {one.weekday for one in decoded} <= set(range(7))
    assert {one.language for one in decoded} == {"ko", "en"}

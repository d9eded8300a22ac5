"""What is found in a review's text: plain functions, which the job calls, and its reference."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from contract.review_model import Asked
from workers.review_model.sentiment import Sentiment, is_korean

_MARKUP = re.compile(r"<[^<>]{0,200}>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\ufeff]")
_BLANKS = re.compile(r"\s+")
_ENOUGH_WORDS = 5
_VARIED = 0.3


class TextFeatures(NamedTuple):
    """In the order of the job's columns."""

    text: str
    language: str
    words: int
    quality: float
    sentiment: str
    score: float


def clean(text: str) -> str:
    """Return *text* without markup and characters that show nothing."""
    return _CONTROL.sub(" ", _MARKUP.sub(" ", text))


def normalise(text: str) -> str:
    """Return *text* in the form NFKC, with single blanks."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text)).strip()


def quality(text: str) -> float:
    """Return from 0 to 1 how much there is to read: words up to five, and letters that differ."""
    letters = [letter for letter in text.lower() if letter.isalnum()]
    if not letters:
        return 0.0
    enough = min(1.0, len(text.split()) / _ENOUGH_WORDS)
    varied = min(1.0, len(set(letters)) / len(letters) / _VARIED)
    return round(enough * varied, 4)


def features_of(text: str) -> TextFeatures:
    """Return all of it."""
    plain = normalise(clean(text))
    said = _sentiment().judge(Asked(1, plain))
    language = "ko" if is_korean(plain) else "en"
    return TextFeatures(plain, language, len(plain.split()), quality(plain), said.sentiment, said.score)


@cache
def _sentiment() -> Sentiment:
    return Sentiment()

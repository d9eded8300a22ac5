"""What a text's sentiment is, in either language."""

from __future__ import annotations

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from contract.review_model import Asked, Judgement
from workers.review_model import korean

_CLEAR = 0.05  # VADER's own bounds of what is neutral (Hutto & Gilbert 2014)


class Sentiment:
    """Judges English by VADER and Korean by a lexicon of stems; the more frequent script decides."""

    def __init__(self) -> None:
        self._english = SentimentIntensityAnalyzer()

    def judge(self, asked: Asked) -> Judgement:
        """Return the judgement of a review."""
        score = self.score(asked.text)
        word = "positive" if score >= _CLEAR else "negative" if score <= -_CLEAR else "neutral"
        return Judgement(asked.n, word, round(score, 4))  # type: ignore[arg-type]  # one of the three

    def score(self, text: str) -> float:
        """Return a number from -1 to 1."""
        if is_korean(text):
            return korean.score(text)
        return float(self._english.polarity_scores(text)["compound"])


def is_korean(text: str) -> bool:
    """Tell whether more of its letters are Hangul than Latin."""
    hangul = sum("가" <= letter <= "힣" for letter in text)
    latin = sum("a" <= letter <= "z" for letter in text.lower())
    return hangul > latin

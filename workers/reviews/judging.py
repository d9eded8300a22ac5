"""Asks a model about a batch until each review has a judgement or is given up."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from contract.entities import Review
from contract.errors import NoJudgements
from contract.review_model import Judgement
from workers.reviews.breaker import Breaker
from workers.reviews.errors import Refused, Stopped, Throttled, Unavailable
from workers.reviews.model import ModelClient

log = logging.getLogger(__name__)
_MOST_DOUBLINGS = 20


@dataclass
class CallCounts:
    """Calls, and how they ended; `calls` is the sum of the others, but for `asked`."""

    calls: int = 0
    whole: int = 0
    partial: int = 0
    nonsense: int = 0
    refused: int = 0
    throttled: int = 0
    unavailable: int = 0
    asked: int = 0
    """Reviews in all calls, one that was asked about again each time."""


@dataclass(frozen=True)
class Patience:
    """How often a review is asked about, and how long the pauses are."""

    attempts: int
    pause_s: float
    most_s: float

    def pause_after(self, attempt: int) -> float:
        """Return a pause before the next attempt, between half and all of a time that doubles with each."""
        most_s = min(self.pause_s * 2 ** min(attempt, _MOST_DOUBLINGS), self.most_s)
        return float(most_s * random.uniform(0.5, 1.0))


class Judging:
    """Shared by the threads that ask.

    A model that is away, fails or throttles costs time and no attempt: reviews wait for it. An answer that leaves
    reviews out has only those asked about again. One that says nothing of use, or refuses, has the batch asked about in
    halves, so that what is to blame stands alone in the end.
    """

    def __init__(self, client: ModelClient, breaker: Breaker, patience: Patience, stop: threading.Event) -> None:
        self._client, self._breaker, self._patience, self._stop = client, breaker, patience, stop
        self._lock = threading.Lock()
        self._counts = CallCounts()

    def counts(self) -> dict[str, int]:
        """Return the counts so far, and how often the breaker has opened."""
        with self._lock:
            return {**asdict(self._counts), "breaker_opened": self._breaker.opened}

    def judge(self, reviews: Sequence[Review]) -> tuple[dict[UUID, Judgement], dict[UUID, str]]:
        """Return the judgements by the reviews' ids, and why the others have none; raises `Stopped`."""
        judged: dict[UUID, Judgement] = {}
        given_up: dict[UUID, str] = {}
        if reviews:
            self._judge(list(reviews), 1, judged, given_up)
        return judged, given_up

    def _judge(
        self, reviews: list[Review], attempt: int, judged: dict[UUID, Judgement], given_up: dict[UUID, str]
    ) -> None:
        while True:
            try:
                said = self._ask([review.review_text for review in reviews])
            except (NoJudgements, Refused) as error:
                if len(reviews) > 1:
                    half = len(reviews) // 2
                    self._judge(reviews[:half], attempt, judged, given_up)
                    self._judge(reviews[half:], attempt, judged, given_up)
                    return
                said, reason = {}, str(error)
                if isinstance(error, Refused):
                    attempt = self._patience.attempts
            else:
                reason = "the model leaves it out"
            judged |= {review.id: said[number] for number, review in enumerate(reviews, start=1) if number in said}
            reviews = [review for review in reviews if review.id not in judged]
            if not reviews:
                return
            if attempt >= self._patience.attempts:
                given_up |= {review.id: f"{reason}; asked {attempt} times" for review in reviews}
                return
            self._pause(self._patience.pause_after(attempt - 1))
            attempt += 1

    def _ask(self, texts: Sequence[str]) -> dict[int, Judgement]:
        """Ask until there is an answer; raises `NoJudgements`, `Refused`, `Stopped`."""
        tries = 0
        while True:
            while wait_s := self._breaker.wait_s():
                self._pause(wait_s)
            try:
                said = self._client.ask(texts)
            except Throttled as error:
                self._breaker.succeeded()
                self._count("throttled", len(texts))
                wait_s = error.wait_s + self._patience.pause_after(0)
            except Unavailable as error:
                self._breaker.failed()
                self._count("unavailable", len(texts))
                wait_s = max(error.wait_s, self._patience.pause_after(tries))
                log.warning("%s; again in %.1f s", error, wait_s)
            except (NoJudgements, Refused) as error:
                self._breaker.succeeded()
                self._count("refused" if isinstance(error, Refused) else "nonsense", len(texts))
                raise
            else:
                self._breaker.succeeded()
                self._count("whole" if len(said) == len(texts) else "partial", len(texts))
                return said
            tries += 1
            self._pause(wait_s)

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def _count(self, how: str, asked: int) -> None:
        with self._lock:
            self._counts.calls += 1
            self._counts.asked += asked
            setattr(self._counts, how, getattr(self._counts, how) + 1)

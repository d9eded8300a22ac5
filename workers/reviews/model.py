"""The client of a model's API, whosever it is."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from contract.review_model import PATH, Judgement, judgements_in, question
from workers.reviews.errors import Refused, Throttled, Unavailable

_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)
_SAID_CHARACTERS = 200
_MOST_WAIT_S = 60.0
_MOST_BYTES = 8 << 20


class ModelClient:
    """Asks about reviews, a connection a call: a call takes far longer than to connect. For any number of threads."""

    def __init__(self, url: str, name: str, *, key: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/") + PATH
        self.name, self._timeout_s = name, timeout_s
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})

    def ask(self, texts: Sequence[str]) -> dict[int, Judgement]:
        """Return what the model says of *texts*, by their numbers from 1 on; it may leave some out.

        Raises `Unavailable`, `Throttled`, `Refused`, and `NoJudgements` for an answer without any.
        """
        connection = self._kind(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request("POST", self._path, question(self.name, texts), self._headers)
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the model: {type(error).__name__} {error}") from None
        finally:
            connection.close()
        if answer.status == HTTPStatus.OK:
            return judgements_in(body, len(texts))
        said = f"the model answers {answer.status}: {body[:_SAID_CHARACTERS].decode(errors='replace')}"
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Throttled(said, _wait_s(answer))
        if answer.status in _REFUSALS:
            raise Refused(said)
        # a wrong key or path is nothing that reviews can do about: they wait until somebody corrects it
        raise Unavailable(said, _wait_s(answer))


def _wait_s(answer: http.client.HTTPResponse) -> float:
    """Return for how long the answer asks to wait; a date, which nobody sends who limits rates, counts as nothing."""
    for name, unit in (("Retry-After-Ms", 1e-3), ("Retry-After", 1.0)):
        try:
            return min(max(float(answer.headers.get(name, "")) * unit, 0.0), _MOST_WAIT_S)
        except ValueError:
            continue
    return 0.0

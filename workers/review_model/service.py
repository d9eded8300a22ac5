"""The API: ``POST /v1/chat/completions`` as OpenAI has it, ``GET /counts``, ``GET /livez``."""

from __future__ import annotations

import asyncio
import hmac
import math
from http import HTTPStatus

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contract.errors import NoJudgements
from contract.review_model import PATH, Asked, ChatRequest, answer, asked_in
from workers.review_model.sentiment import Sentiment
from workers.review_model.settings import Settings
from workers.review_model.simulated import ERROR, HALF, NONSENSE, Counts, Faults, RateLimit

NAME = "seawall-lexicons"
"""What the service calls its model."""
_NONSENSE = b'{"choices": [{"message": {"role": "assistant", "content": "As a model I would rather not say."}}]}'
_MOST_BYTES = 8 << 20
_decode = msgspec.json.Decoder(ChatRequest).decode


class ReviewModel:
    """Answers calls; what is simulated happens before the answer, and nothing is computed while a call waits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = settings.model_api_key.get_secret_value()
        self._sentiment = Sentiment()
        self._faults = Faults(settings)
        self._limit = RateLimit(settings.model_simulated_calls_per_s, settings.model_simulated_burst)
        self.counts = Counts()

    async def complete(self, request: Request) -> Response:
        """Answer one call."""
        self.counts.calls += 1
        if self._key and not hmac.compare_digest(
            request.headers.get("authorization", "").encode(), f"Bearer {self._key}".encode()
        ):
            return self._refuse(HTTPStatus.UNAUTHORIZED, "a key is needed")
        wait_s = self._limit.wait_s()
        if wait_s:
            self.counts.throttled += 1
            after = {"Retry-After": str(math.ceil(wait_s)), "Retry-After-Ms": str(math.ceil(wait_s * 1e3))}
            return _problem(HTTPStatus.TOO_MANY_REQUESTS, "too many calls", after)
        try:
            body = await request.body()
            if len(body) > _MOST_BYTES:
                return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large")
            asked = asked_in(_decode(body))
        except (NoJudgements, msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        return await self._answered(asked)

    async def _answered(self, asked: list[Asked]) -> Response:
        """Take the time that is simulated, and answer as the next fault has it."""
        fault = self._faults.next()
        simulated = self._settings
        took_ms = simulated.model_simulated_latency_ms + len(asked) * simulated.model_simulated_ms_per_review
        if took_ms:
            await asyncio.sleep(took_ms / 1e3)
        if fault == ERROR:
            self.counts.errors += 1
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a simulated error")
        if fault == NONSENSE:
            self.counts.nonsense += 1
            return Response(_NONSENSE, media_type="application/json")
        said = [one for one in asked if not self._faults.is_mute(one.text)]
        self.counts.mute += len(asked) - len(said)
        if fault == HALF:
            self.counts.halves += 1
            said = said[::2]
        else:
            self.counts.answered += 1
        self.counts.reviews += len(said)
        return Response(answer(NAME, [self._sentiment.judge(one) for one in said]), media_type="application/json")

    def _refuse(self, status: HTTPStatus, said: str) -> Response:
        self.counts.refused += 1
        return _problem(status, said)


def create_app(model: ReviewModel) -> Starlette:
    """Return the application around *model*."""

    async def counts(_: Request) -> Response:
        return Response(msgspec.json.encode(model.counts.as_json()), media_type="application/json")

    async def livez(_: Request) -> Response:
        return Response(b"ok")

    return Starlette(
        routes=[
            Route(f"/v1{PATH}", model.complete, methods=["POST"]),
            Route("/counts", counts),
            Route("/livez", livez),
        ]
    )


def _problem(status: HTTPStatus, said: str, headers: dict[str, str] | None = None) -> Response:
    body = msgspec.json.encode({"error": {"message": said[:300], "type": status.phrase}})
    return Response(body, status.value, headers, media_type="application/json")

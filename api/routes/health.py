"""`/livez` and `/readyz`."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import Response

from api.answers import JSON, Answer, AnswerResponse
from api.openapi import ref, success
from api.readiness import Readiness, ReadinessCheck

_ALIVE = Answer(200, b'{"status":"alive"}', JSON)


def add_routes(app: FastAPI, readiness: ReadinessCheck) -> None:
    """Add the health endpoints."""

    async def livez() -> Response:
        return AnswerResponse(_ALIVE)

    async def readyz() -> Response:
        return AnswerResponse(await readiness.answer())

    app.add_api_route(
        "/livez",
        livez,
        operation_id="livez",
        summary="Whether the process runs; asks no other server",
        tags=["health"],
        response_class=Response,
        responses={
            200: {
                "description": "It runs",
                "content": {"application/json": {"schema": {"type": "object", "required": ["status"]}}},
            }
        },
    )
    app.add_api_route(
        "/readyz",
        readyz,
        operation_id="readyz",
        summary="Whether every configured server answers",
        tags=["health"],
        response_class=Response,
        responses={
            200: success(Readiness),
            503: {
                "description": "A dependency is down, or the process is shutting down",
                "content": {"application/json": {"schema": ref(Readiness)}},
            },
        },
    )

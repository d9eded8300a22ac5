"""The application: routes, problem documents, and the service's life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.answers import AnswerResponse
from api.body_limit import BodyLimit
from api.counted_path import CountedPath
from api.guard import guard_of
from api.hot_path import HotPath
from api.openapi import install_openapi
from api.problems import InternalProblem, MethodNotAllowed, NotFound, Problem
from api.routes import health, reads, writes
from api.service import Service
from api.settings import Settings
from api.traced_path import TracedPath
from contract.connections import Connections


def create_app(settings: Settings | None = None, connections: Connections | None = None) -> FastAPI:
    """Return the application; it connects when it is started, and starts although a server is down.

    Raises `BadApiKeys` where the settings say neither which keys are valid nor that none are needed, and `BadTracing`
    where traces are to go by a way that is not spoken here.
    """
    settings = settings or Settings()
    guard = guard_of(settings)
    service = Service(settings, connections or Connections.read(), guard)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        guard.start()
        await service.start()
        try:
            yield
        finally:
            await service.stop()
            guard.stop()

    app = FastAPI(
        title="Seawall",
        version="1",
        summary="Stores the same record in several ways, and answers when that is true.",
        lifespan=life,
        redirect_slashes=False,
        openapi_url="/openapi.json" if settings.api_docs else None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.service = service
    app.state.guard = guard
    app.add_middleware(BodyLimit, limit_bytes=settings.max_body_bytes)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _fault)
    endpoints = writes.add_routes(app, service)
    hot_path = HotPath(
        app,
        endpoints,
        writes.direct_endpoints(service),
        reads.direct_lookups(service.lookups, settings.http_max_age_s),
        guard,
        service.loop_queue,
        settings.max_body_bytes,
    )
    served: HotPath | CountedPath | TracedPath
    served = hot_path if service.requests is None else CountedPath(hot_path, service.requests)
    if service.spans is not None:
        served = TracedPath(served, service.spans, endpoints.keys())
    app.state.hot_path = served
    reads.add_routes(app, service.lookups, settings.http_max_age_s)
    health.add_routes(app, service.readiness)
    install_openapi(app)
    return app


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return AnswerResponse(error.answer())


async def _http_problem(_: Request, error: Exception) -> Response:
    """Translate what the router raises by itself: 404 and 405."""
    assert isinstance(error, HTTPException)
    problem: Problem
    if error.status_code == MethodNotAllowed.status:
        problem = MethodNotAllowed(
            "see /openapi.json for the methods of this path", (error.headers or {}).get("Allow", "")
        )
    elif error.status_code == NotFound.status:
        problem = NotFound("no such path; see /openapi.json")
    else:
        problem = InternalProblem()
    return AnswerResponse(problem.answer())


async def _fault(_: Request, __: Exception) -> Response:
    return AnswerResponse(InternalProblem().answer())

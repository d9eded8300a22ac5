"""`POST /v1/{path}/{entity}`: one operation for each write path and entity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.answers import AnswerResponse
from api.ingest import DirectIngest, Ingest
from api.openapi import NEEDS_KEY, problem_responses, ref, success
from api.problems import Conflict
from api.service import Service
from api.writes.protocol import COMMITTED, Logged, Stored, SubmittingPath
from contract.entities import ENTITIES, Entity

_PROMISES = {
    "sync": "Commits the record in a transaction of its own, then answers.",
    "grouped": "Commits the record together with others that wait, then answers.",
    "kafka": "Publishes the record, and answers when every in-sync replica has it; its row follows.",
}
_PROBLEMS = (400, 401, 403, 409, 413, 415, 422, 500, 503)


def add_routes(app: FastAPI, service: Service) -> dict[str, Ingest]:
    """Add the write endpoints of *service*, and return what serves each URL path."""
    endpoints = {}
    for name, path in service.paths.items():
        for entity in ENTITIES.values():
            url = f"/v1/{name}/{entity.name}"
            endpoints[url] = Ingest(entity, path, service.lookups, service.loop_queue)
            app.add_api_route(
                url,
                _endpoint(endpoints[url]),
                methods=["POST"],
                operation_id=f"{name}_{entity.name}",
                summary=f"Store one of the {entity.name} by {name}",
                description=_PROMISES[name],
                tags=[name],
                status_code=path.status,
                response_class=Response,
                responses={
                    path.status: success(_answer_of(path.status)),
                    **problem_responses(
                        code for code in _PROBLEMS if code != Conflict.status or path.status == COMMITTED
                    ),
                },
                openapi_extra={"requestBody": _body(entity), **NEEDS_KEY},
            )
    return endpoints


def direct_endpoints(service: Service) -> dict[bytes, DirectIngest]:
    """Return what serves a URL path without a task, where its write path can."""
    return {
        f"/v1/{name}/{entity.name}".encode(): DirectIngest(entity, path, service.lookups, service.loop_queue)
        for name, path in service.paths.items()
        if isinstance(path, SubmittingPath)
        for entity in ENTITIES.values()
    }


def _endpoint(ingest: Ingest) -> Callable[[Request], Awaitable[Response]]:
    async def store(request: Request) -> Response:
        return AnswerResponse(await ingest(request.headers.get("content-type"), await request.body()))

    return store


def _answer_of(status: int) -> type[Stored | Logged]:
    return Stored if status == COMMITTED else Logged


def _body(entity: Entity) -> dict[str, object]:
    return {"required": True, "content": {"application/json": {"schema": ref(entity.record)}}}

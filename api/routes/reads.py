"""`GET /v1/{entity}/{id}`: a record through the lookups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.answers import NOT_MODIFIED, Answer, AnswerResponse
from api.lookups.chain import Lookups
from api.openapi import CACHE_HEADERS, problem_responses, success
from api.problems import NotFound, Problem, UnusableRecord
from contract.entities import ENTITIES, Entity

_UUID_CHARACTERS = 36


class Lookup:
    """Answers reads of one entity."""

    def __init__(self, entity: Entity, lookups: Lookups, max_age_s: int) -> None:
        self._entity = entity
        self._lookups = lookups
        self._cache_control = (b"cache-control", b"public, max-age=%d" % max_age_s)

    async def __call__(self, identity: str, if_none_match: str | None) -> Answer:
        """Return the record with this id: 200, or 304 where the client has it already."""
        try:
            found = await self._lookups.get(self._entity, _parse(identity))
        except Problem as problem:
            return problem.answer()
        if found is None:
            return NotFound(f"no such record in {self._entity.name}").answer()
        caching = ((b"etag", found.etag), self._cache_control)
        if if_none_match and _matches(found.etag.decode(), if_none_match):
            return Answer(NOT_MODIFIED, b"", caching)
        return Answer(200, found.body, ((b"content-type", b"application/json"), *caching))


def add_routes(app: FastAPI, lookups: Lookups, max_age_s: int) -> None:
    """Add the read endpoints of all entities that are looked up."""
    for entity in ENTITIES.values():
        if not entity.lookup:
            continue
        app.add_api_route(
            f"/v1/{entity.name}/{{id}}",
            _endpoint(Lookup(entity, lookups, max_age_s)),
            methods=["GET"],
            operation_id=f"get_{entity.name}",
            summary=f"Read one of the {entity.name}",
            tags=["lookups"],
            response_class=Response,
            responses={
                200: success(entity.record, CACHE_HEADERS),
                304: {"description": "The client has this version already", "headers": CACHE_HEADERS},
                **problem_responses((404, 422, 500, 503)),
            },
            openapi_extra={
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}},
                ]
            },
        )


def _endpoint(lookup: Lookup) -> Callable[[Request], Awaitable[Response]]:
    async def read(request: Request) -> Response:
        return AnswerResponse(await lookup(request.path_params["id"], request.headers.get("if-none-match")))

    return read


def _parse(identity: str) -> UUID:
    try:
        # UUID() takes braces, prefixes and text without hyphens too
        if len(identity) == _UUID_CHARACTERS:
            return UUID(identity)
    except ValueError:
        pass
    raise UnusableRecord("the id in the path is not a UUID")


def _matches(etag: str, if_none_match: str) -> bool:
    """Compare weakly, as RFC 9110 13.1.2 says for If-None-Match."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]

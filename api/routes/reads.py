"""`GET /v1/...`: records, and answers that are computed from them, through the lookups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from api.answers import NOT_MODIFIED, Answer, AnswerResponse
from api.lookups.chain import Lookups
from api.lookups.kinds import RECOMMENDATIONS, TOP_PRODUCTS, Asked
from api.lookups.queries import Recommendations, TopProducts
from api.openapi import CACHE_HEADERS, NEEDS_KEY, problem_responses, success
from api.problems import NotFound, Problem, UnusableParameter
from contract.cache import Kind, key_prefix
from contract.entities import ENTITIES, Entity

_UUID_CHARACTERS = 36
_JSON = (b"content-type", b"application/json")
_VARY = (b"vary", b"authorization")
"""A cache that is shared hands an answer on to those who send the same key, and asks for the others (RFC 9111 4.1)."""
_DEFAULT_LIMIT, _MOST_PRODUCTS = 10, 100
_IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
_NO_CACHE = {
    "name": "Cache-Control",
    "in": "header",
    "description": "`no-cache` asks the database, and lets both caches know what it said",
    "schema": {"type": "string"},
}
_LIMIT = {
    "name": "limit",
    "in": "query",
    "description": "How many products",
    "schema": {"type": "integer", "minimum": 1, "maximum": _MOST_PRODUCTS, "default": _DEFAULT_LIMIT},
}


class Lookup:
    """Answers reads of one kind."""

    def __init__(self, kind: Kind, lookups: Lookups, max_age_s: int, missing: str = "") -> None:
        """*missing* says what there is not, where nothing is found."""
        self._kind = kind
        self._lookups = lookups
        self._missing = missing
        self._cache_control = _cache_control(max_age_s)

    async def __call__(self, asked: Asked, if_none_match: str | None, *, anew: bool = False) -> Answer:
        """Return what was *asked* for, *anew* from the database: 200, or 304 where the client has it already."""
        try:
            found = await (self._lookups.get_anew if anew else self._lookups.get)(self._kind, asked)
        except Problem as problem:
            return problem.answer()
        if found is None:
            return NotFound(self._missing).answer()
        caching = ((b"etag", found.etag), self._cache_control, _VARY)
        if if_none_match and _matches(found.etag.decode(), if_none_match):
            return Answer(NOT_MODIFIED, b"", caching)
        return Answer(200, found.body, (_JSON, *caching))


class DirectLookup:
    """Answers reads of one entity's records from the process's memory; what that does not hold is left to `Lookup`."""

    def __init__(self, entity: Entity, lookups: Lookups, max_age_s: int) -> None:
        self._entity, self._lookups = entity, lookups
        self._prefix = key_prefix(entity)
        self._caching = (_cache_control(max_age_s), _VARY)

    def __call__(self, identity: bytes) -> Answer | None:
        """Return the answer to a plain read of the record with the id that the path names."""
        if len(identity) != _UUID_CHARACTERS:
            return None
        # keys are made of ids in their usual spelling: what is written otherwise is not found, and goes the long way
        found = self._lookups.remembered(self._entity, self._prefix + identity.decode("latin-1"))
        if found is None:
            return None
        return Answer(200, found.body, (_JSON, (b"etag", found.etag), *self._caching))


def direct_lookups(lookups: Lookups, max_age_s: int) -> dict[bytes, DirectLookup]:
    """Return what answers plain reads without a task, by the URL path up to the id."""
    return {
        f"/v1/{entity.name}".encode(): DirectLookup(entity, lookups, max_age_s)
        for entity in ENTITIES.values()
        if entity.lookup
    }


def add_routes(app: FastAPI, lookups: Lookups, max_age_s: int) -> None:
    """Add the read endpoints: of all entities that are looked up, of recommendations and of analytics."""
    for entity in ENTITIES.values():
        if entity.lookup:
            _add(
                app,
                f"/v1/{entity.name}/{{id}}",
                _record(Lookup(entity, lookups, max_age_s, f"no such record in {entity.name}")),
                operation_id=f"get_{entity.name}",
                summary=f"Read one of the {entity.name}",
                answer=entity.record,
                parameters=[_in_path("id"), _IF_NONE_MATCH, _NO_CACHE],
            )
    _add(
        app,
        "/v1/users/{id}/recommendations",
        _of_user(Lookup(RECOMMENDATIONS, lookups, max_age_s, "no such record in users")),
        operation_id="get_recommendations",
        summary="Read what the oldest accounts of the user's country ordered most often of late",
        answer=Recommendations,
        parameters=[_in_path("id"), _IF_NONE_MATCH],
    )
    _add(
        app,
        "/v1/analytics/top-products",
        _by_limit(Lookup(TOP_PRODUCTS, lookups, max_age_s)),
        operation_id="get_top_products",
        summary="Read which products sold best, over all orders",
        answer=TopProducts,
        parameters=[_LIMIT, _IF_NONE_MATCH],
        problems=(401, 403, 422, 500, 503),
    )


def _add(
    app: FastAPI,
    path: str,
    endpoint: Callable[[Request], Awaitable[Response]],
    *,
    operation_id: str,
    summary: str,
    answer: type[msgspec.Struct],
    parameters: list[dict[str, Any]],
    problems: tuple[int, ...] = (401, 403, 404, 422, 500, 503),
) -> None:
    app.add_api_route(
        path,
        endpoint,
        methods=["GET"],
        operation_id=operation_id,
        summary=summary,
        tags=["lookups"],
        response_class=Response,
        responses={
            200: success(answer, CACHE_HEADERS),
            304: {"description": "The client has this version already", "headers": CACHE_HEADERS},
            **problem_responses(problems, UnusableParameter),
        },
        openapi_extra={"parameters": parameters, **NEEDS_KEY},
    )


def _record(lookup: Lookup) -> Callable[[Request], Awaitable[Response]]:
    async def read(request: Request) -> Response:
        anew = "no-cache" in _directives(request.headers.get("cache-control"))
        return await _answer(lookup, request, lambda: _parse(request.path_params["id"]), anew=anew)

    return read


def _of_user(lookup: Lookup) -> Callable[[Request], Awaitable[Response]]:
    async def read(request: Request) -> Response:
        return await _answer(lookup, request, lambda: _parse(request.path_params["id"]))

    return read


def _by_limit(lookup: Lookup) -> Callable[[Request], Awaitable[Response]]:
    async def read(request: Request) -> Response:
        return await _answer(lookup, request, lambda: _limit(request.query_params.get("limit")))

    return read


async def _answer(lookup: Lookup, request: Request, parse: Callable[[], Asked], *, anew: bool = False) -> Response:
    try:
        asked = parse()
    except Problem as problem:
        return AnswerResponse(problem.answer())
    return AnswerResponse(await lookup(asked, request.headers.get("if-none-match"), anew=anew))


def _cache_control(max_age_s: int) -> tuple[bytes, bytes]:
    return b"cache-control", b"public, max-age=%d" % max_age_s


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def _directives(cache_control: str | None) -> list[str]:
    """Return the directives of a request's Cache-Control (RFC 9111 5.2.1), in lower case."""
    return [directive.strip() for directive in cache_control.lower().split(",")] if cache_control else []


def _parse(identity: str) -> UUID:
    try:
        # UUID() takes braces, prefixes and text without hyphens too
        if len(identity) == _UUID_CHARACTERS:
            return UUID(identity)
    except ValueError:
        pass
    raise UnusableParameter("the id in the path is not a UUID")


def _limit(given: str | None) -> int:
    if given is None:
        return _DEFAULT_LIMIT
    # int() takes signs, spaces, underscores and other scripts' digits too
    if given.isascii() and given.isdigit() and len(given) <= len(str(_MOST_PRODUCTS)):
        limit = int(given)
        if 1 <= limit <= _MOST_PRODUCTS:
            return limit
    raise UnusableParameter(f"`limit` must be a number from 1 to {_MOST_PRODUCTS}")


def _matches(etag: str, if_none_match: str) -> bool:
    """Compare weakly, as RFC 9110 13.1.2 says for If-None-Match."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]

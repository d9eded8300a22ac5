"""The OpenAPI document, with schemas from the very types that decode and encode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.lookups.queries import Recommendations, TopProducts
from api.problems import (
    MEDIA_TYPE,
    BodyTooLarge,
    Conflict,
    Forbidden,
    InternalProblem,
    MalformedBody,
    NotFound,
    Problem,
    ProblemDocument,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    UnusableRecord,
)
from api.readiness import Readiness
from api.writes.protocol import Logged, Stored
from contract.entities import ENTITIES

_TEMPLATE = "#/components/schemas/{name}"
_PROBLEMS: dict[int, type[Problem]] = {
    problem.status: problem
    for problem in (
        MalformedBody,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        BodyTooLarge,
        UnsupportedMediaType,
        UnusableRecord,
        InternalProblem,
        Unavailable,
    )
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
_CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}}}
_KEY = "key"
NEEDS_KEY: dict[str, Any] = {"security": [{_KEY: []}]}
"""What an operation says that asks for a key."""
CACHE_HEADERS: dict[str, Any] = {
    "ETag": {"schema": {"type": "string"}},
    "Cache-Control": {"schema": {"type": "string"}},
    "Vary": {"schema": {"type": "string"}},
}


def ref(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Return a reference to the schema of *kind*."""
    return {"$ref": _TEMPLATE.format(name=kind.__name__)}


def success(kind: type[msgspec.Struct], headers: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the description of an answer whose body is *kind*."""
    summary = (kind.__doc__ or "").partition("\n")[0]
    found: dict[str, Any] = {"description": summary, "content": {"application/json": {"schema": ref(kind)}}}
    if headers:
        found["headers"] = headers
    return found


def problem_responses(
    statuses: Iterable[int], unusable: type[Problem] = UnusableRecord
) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of the problem documents with these *statuses*; *unusable* is what 422 means."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        found[status] = {
            "description": (unusable if status == unusable.status else _PROBLEMS[status]).title,
            "content": {MEDIA_TYPE: {"schema": ref(ProblemDocument)}},
        }
        if status == Unavailable.status:
            found[status]["headers"] = _RETRY_AFTER
        if status == Unauthenticated.status:
            found[status]["headers"] = _CHALLENGE
    return found


def install_openapi(app: FastAPI) -> None:
    """Make *app* serve a document that holds the schemas of the contract."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            kinds = [entity.record for entity in ENTITIES.values()]
            _, schemas = msgspec.json.schema_components(
                [*kinds, Recommendations, TopProducts, Stored, Logged, ProblemDocument, Readiness],
                ref_template=_TEMPLATE,
            )
            components = found.setdefault("components", {})
            components.setdefault("schemas", {}).update(schemas)
            components["securitySchemes"] = {
                _KEY: {"type": "http", "scheme": "bearer", "description": "A key that the service knows"}
            }
            app.openapi_schema = found
        return app.openapi_schema

    # FastAPI's documented way to extend the document
    app.openapi = document  # type: ignore[method-assign]

"""A write from bytes to bytes: no request object, no response object."""

from __future__ import annotations

import msgspec

from api.answers import Answer
from api.lookups.chain import Lookups
from api.problems import MalformedBody, Problem, Unavailable, UnsupportedMediaType, UnusableRecord
from api.writes.protocol import COMMITTED, WritePath
from contract.entities import ENTITIES, Entity, Record, parse
from contract.errors import InvalidRecord

_encode = msgspec.json.Encoder().encode


class Ingest:
    """Stores records of one entity by one write path."""

    def __init__(self, entity: Entity, path: WritePath, lookups: Lookups) -> None:
        self._entity = entity
        self._path = path
        self._lookups = lookups
        self._references = [(field, ENTITIES[name]) for field, name in entity.references.items()]
        self._ends_a_miss = entity.lookup and path.status == COMMITTED

    async def __call__(self, content_type: str | None, body: bytes) -> Answer:
        """Return the answer to *body*."""
        try:
            if content_type != "application/json":
                _check_media_type(content_type or "")
            record = _parse(self._entity, body)
            if self._references:
                await self._check_references(record)
            written = await self._path.write(self._entity, record)
        except Problem as problem:
            return problem.answer()
        if self._ends_a_miss:
            self._lookups.forget_missing(self._entity, record.id)
        return Answer(self._path.status, _encode(written))

    async def _check_references(self, record: Record) -> None:
        for field, entity in self._references:
            try:
                found = await self._lookups.get(entity, getattr(record, field))
            except Unavailable as problem:
                raise Unavailable(
                    f"`{field}` cannot be checked: {problem.detail}", retry_after_s=problem.retry_after_s
                ) from None
            if found is None:
                raise UnusableRecord(f"no such record in {entity.name}", f"/{field}")


def _parse(entity: Entity, body: bytes) -> Record:
    try:
        return parse(entity, body)
    except InvalidRecord as error:
        if error.malformed:
            raise MalformedBody(error.reason) from None
        raise UnusableRecord(error.reason, error.pointer) from None


def _check_media_type(content_type: str) -> None:
    kind, _, parameters = content_type.lower().partition(";")
    charset = parameters.replace('"', "").replace(" ", "")
    if kind.strip() != "application/json" or charset not in ("", "charset=utf-8"):
        raise UnsupportedMediaType

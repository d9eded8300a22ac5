"""A write from bytes to bytes: no request object, no response object; and, where the path allows it, no task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from api.admission import LoopQueue
from api.answers import Answer
from api.lookups.chain import Lookups
from api.lookups.memory import Found
from api.metrics.requests import EndpointCounts
from api.problems import (
    CROWDED,
    InternalProblem,
    MalformedBody,
    Problem,
    Unavailable,
    UnsupportedMediaType,
    UnusableRecord,
)
from api.writes.protocol import COMMITTED, Logged, Stored, SubmittingPath, WritePath
from contract.entities import ENTITIES, Entity, Record, parse
from contract.errors import InvalidRecord
from contract.logs import about
from contract.spans import PROBLEM, RECORD_ID, current

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode


class Ingest:
    """Stores records of one entity by one write path."""

    def __init__(self, entity: Entity, path: WritePath, lookups: Lookups, loop_queue: LoopQueue) -> None:
        self._entity = entity
        self._loop_queue = loop_queue
        self._path = path
        self._lookups = lookups
        self._references = [(field, ENTITIES[name]) for field, name in entity.references.items()]
        self._ends_a_miss = entity.lookup and path.status == COMMITTED

    async def __call__(self, content_type: str | None, body: bytes) -> Answer:
        """Return the answer to *body*."""
        if self._loop_queue.refuses():
            return CROWDED
        span, record = current(), None
        try:
            with span.part("parse"):
                if content_type != "application/json":
                    _check_media_type(content_type or "")
                record = _parse(self._entity, body)
            if span.context:
                span.note({RECORD_ID: str(record.id)})
            if self._references:
                with span.part("check references"):
                    await self._check_references(record)
            written = await self._path.write(self._entity, record)
        except Problem as problem:
            if span.context:  # of all that are refused it would be too many
                span.note({PROBLEM: problem.detail})
                log.info("not stored: %s", problem.detail, extra=about(record.id if record else ""))
            return problem.answer()
        if self._ends_a_miss:
            self._lookups.forget_missing(self._entity, record.id)
        return Answer(self._path.status, _encode(written))

    async def _check_references(self, record: Record) -> None:
        for field, entity in self._references:
            try:
                found = await self._lookups.get(entity, getattr(record, field))
            except Unavailable as problem:
                raise _unchecked(field, problem) from None
            if found is None:
                raise _unknown(field, entity)


class DirectIngest:
    """Stores records of one entity by a path that answers by a callback.

    Where a reference is not in memory, as after a start, the record waits for it and costs no more than that. What
    cannot be stored is left to `Ingest`, which knows every answer.
    """

    def __init__(self, entity: Entity, path: SubmittingPath, lookups: Lookups, loop_queue: LoopQueue) -> None:
        self._entity = entity
        self._loop_queue = loop_queue
        self._path = path
        self._lookups = lookups
        self._references = [(field, ENTITIES[name]) for field, name in entity.references.items()]
        self._ends_a_miss = entity.lookup and path.status == COMMITTED
        self.endpoint = EndpointCounts()

    def refusal(self) -> Answer | None:
        """Return the answer to one who comes now, where that is one too many; asked before anything else is."""
        if self._loop_queue.refuses():
            return CROWDED
        return self._path.crowded if self._path.refuses() else None

    def __call__(self, body: bytes, answer: Callable[[Answer], None]) -> bool:
        """Begin to store *body* and call *answer* later; False where `Ingest` has to be asked instead."""
        try:
            record = parse(self._entity, body)
        except InvalidRecord:
            return False
        missing = None
        for reference in self._references:
            field, entity = reference
            known = self._lookups.known(entity, getattr(record, field))
            if known is None:
                missing = [*(missing or ()), reference]
            elif not known:
                return False
        if missing is not None:
            self._wait_for(missing, record, answer)
            self.endpoint.begun += 1
            return True
        try:
            self._submit(record, answer)
        except Unavailable as problem:
            answer(problem.answer())
        self.endpoint.begun += 1
        return True

    def _submit(self, record: Record, answer: Callable[[Answer], None]) -> None:
        def settle(outcome: Stored | Logged | Problem) -> None:
            if isinstance(outcome, Problem):
                answer(outcome.answer())
                return
            if self._ends_a_miss:
                self._lookups.forget_missing(self._entity, record.id)
            answer(Answer(self._path.status, _encode(outcome)))

        self._path.submit(self._entity, record, settle)

    def _wait_for(self, references: list[tuple[str, Entity]], record: Record, answer: Callable[[Answer], None]) -> None:
        """Submit *record* once it is known that its *references* exist."""
        waits = [(field, entity, self._lookups.ask(entity, getattr(record, field))) for field, entity in references]
        left = len(waits)

        def landed(_: asyncio.Future[Found | None]) -> None:
            nonlocal left
            left -= 1
            if left:
                return
            try:
                for field, entity, found in waits:
                    _check(field, entity, found)
                self._submit(record, answer)
            except Problem as problem:
                answer(problem.answer())
            except BaseException:
                log.exception("a reference could not be checked")
                answer(InternalProblem().answer())

        for _, _, found in waits:
            found.add_done_callback(landed)


def _check(field: str, entity: Entity, found: asyncio.Future[Found | None]) -> None:
    """Raise the problem where the record that *field* names was not *found*."""
    try:
        if found.result() is not None:
            return
    except Unavailable as problem:
        raise _unchecked(field, problem) from None
    raise _unknown(field, entity)


def _unchecked(field: str, problem: Unavailable) -> Unavailable:
    return Unavailable(f"`{field}` cannot be checked: {problem.detail}", retry_after_s=problem.retry_after_s)


def _unknown(field: str, entity: Entity) -> UnusableRecord:
    return UnusableRecord(f"no such record in {entity.name}", f"/{field}")


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

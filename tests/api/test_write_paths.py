"""What every write path promises, for every entity, over HTTP and down to the row."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from databases import LONG_ON_MARIADB, session_of
from new_records import new_fields, new_record
from service_processes import eventually, running_api, running_sink

from contract.connections import Connections
from contract.entities import ENTITIES, Entity, Record, field_type
from seawall.stack.stack import Stack

PATHS = {"sync": 201, "grouped": 201, "kafka": 202}
JSON = {"content-type": "application/json"}

pytestmark = [
    pytest.mark.parametrize("path", PATHS),
    pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES.keys()),
]


class Service:
    """An API and its tables."""

    def __init__(self, url: str, headers: dict[str, str], servers: Connections) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=20, headers={**JSON, **headers})
        self.database = session_of(servers)

    def send(self, path: str, entity: Entity, body: Any) -> httpx.Response:
        """Post *body* as it is, or as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.client.post(f"/v1/{path}/{entity.name}", content=content)

    def rows(self, entity: Entity, identity: UUID) -> list[Record]:
        """Return the rows with this id."""
        return self.database.records(entity, [identity])

    def letters(self, record: Record) -> list[str]:
        """Return the reasons of the dead letters with this id."""
        found = self.database.ask('SELECT reason FROM dead_letters WHERE "key" = %s', str(record.id).encode())
        return [reason for (reason,) in found]


@pytest.fixture(scope="module")
def service(stack: Stack, servers: Connections, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return the stack's service, or one that writes to the other database, and empty it in the end."""
    with contextlib.ExitStack() as exits:
        url, headers = stack.state.api_url, stack.api_headers
        if servers.database != stack.connections.database:
            place = tmp_path_factory.mktemp("service")
            own = {"SEAWALL_SINK_GROUP": "write-paths", "SEAWALL_SINK_NAME": "write-paths"}
            exits.enter_context(running_sink(servers, place, **own))
            # the stack's cache knows the rows of the stack's database
            client, _ = exits.enter_context(running_api(servers, place, SEAWALL_CACHE_URL=None))
            url, headers = str(client.base_url), {}
        found = Service(url, headers, servers)
        yield found
        found.client.close()
        found.database.empty()
        found.database.close()
    stack.fresh()


def test_a_record_becomes_exactly_one_row_with_equal_fields(service: Service, path: str, entity: Entity) -> None:
    """A record that is answered with success is stored once, as it was sent."""
    record = new_record(entity)
    answer = service.send(path, entity, record)
    assert answer.status_code == PATHS[path]
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["id"] == str(record.id)
    if path == "kafka":
        assert answer.json()["topic"].endswith(entity.name)
        assert answer.json()["offset"] >= 0
        eventually(lambda: service.rows(entity, record.id))
    assert service.rows(entity, record.id) == [record]


def test_the_same_record_again_is_no_error_and_no_second_row(service: Service, path: str, entity: Entity) -> None:
    """A client that is unsure may send a record again."""
    record = new_record(entity)
    answers = [service.send(path, entity, record).status_code for _ in range(3)]
    assert answers == [PATHS[path]] * 3
    eventually(lambda: service.rows(entity, record.id))
    assert service.rows(entity, record.id) == [record]


def test_other_content_under_the_same_id_is_refused(service: Service, path: str, entity: Entity) -> None:
    """The first record stays; the second is answered with 409, or, where it is known too late, dead-lettered."""
    first = new_record(entity)
    second = msgspec.structs.replace(new_record(entity), id=first.id)
    assert first != second
    service.send(path, entity, first)
    answer = service.send(path, entity, second)
    if path == "kafka":
        assert answer.status_code == HTTPStatus.ACCEPTED
        eventually(lambda: service.letters(second))
        assert service.letters(second)[0].startswith("conflict")
    else:
        assert answer.status_code == HTTPStatus.CONFLICT
        assert answer.headers["content-type"] == "application/problem+json"
    assert service.rows(entity, first.id) == [first]


def test_many_at_once_are_all_stored_and_each_hears_its_own_outcome(
    service: Service, path: str, entity: Entity
) -> None:
    """Among concurrent records one that repeats an id with other content harms no neighbour."""
    records = [new_record(entity) for _ in range(40)]
    twin = msgspec.structs.replace(new_record(entity), id=records[0].id)

    async def send_all() -> list[int]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(
            base_url=service.url, headers=service.client.headers, timeout=20, limits=limits
        ) as client:
            answers = await asyncio.gather(
                *(
                    client.post(f"/v1/{path}/{entity.name}", content=msgspec.json.encode(record))
                    for record in [*records, records[1], twin]
                )
            )
        return [answer.status_code for answer in answers]

    first, *others, second = asyncio.run(send_all())
    assert set(others) == {PATHS[path]}
    assert {first, second} == ({PATHS[path]} if path == "kafka" else {PATHS[path], HTTPStatus.CONFLICT})
    for record in records[1:]:
        eventually(lambda record=record: service.rows(entity, record.id) == [record])  # type: ignore[misc]
    eventually(lambda: len(service.rows(entity, records[0].id)) == 1)


def _bad(entity: Entity) -> dict[str, tuple[Any, int]]:
    """Return bodies that no path may store, each with its status."""
    kinds = {name: field_type(entity.record, name)[0] for name in entity.fields}
    moment, text, number = (next(name for name in kinds if kinds[name] is kind) for kind in (datetime, str, int))
    fields = new_fields(entity)
    good = msgspec.json.encode(fields)
    missing = {name: value for name, value in fields.items() if name != text}
    return {
        "nothing": (b"", 400),
        "not JSON": (b"id=1", 400),
        "half of it": (good[: len(good) // 2], 400),
        "two of it": (good + good, 400),
        "not UTF-8": (good.replace(b'{"id"', b'{"\xff\xfe":1,"id"'), 400),
        "a list": (b"[" + good + b"]", 422),
        "a number": (b"7", 422),
        "a text instead of a number": ({**fields, number: "7"}, 422),
        "a number instead of a text": ({**fields, text: 7}, 422),
        "null": ({**fields, text: None}, 422),
        "a missing field": (missing, 422),
        "an unknown field": ({**fields, "admin": True}, 422),
        "no UUID": ({**fields, "id": "1234"}, 422),
        "NUL": ({**fields, text: "a\0b"}, 422),
        "a lone surrogate": (good.replace(b'"id"', b'"\\ud800":1,"id"', 1), 400),
        "a negative number": ({**fields, number: -1}, 422),
        "a fraction": ({**fields, number: 1.5}, 422),
        "a huge number": (good.replace(f'"{number}":'.encode(), f'"{number}":{"9" * 400}'.encode(), 1), 422),
        "an endless number": (good.replace(f'"{number}":'.encode(), f'"{number}":1e999,"x":'.encode(), 1), 422),
        "no time zone": ({**fields, moment: "2026-01-01T00:00:00"}, 422),
        "no date": ({**fields, moment: "yesterday"}, 422),
        "the distant past": ({**fields, moment: "0001-01-01T00:00:00Z"}, 422),
        "a long text": ({**fields, text: "x" * 5000}, 422),
        "deep nesting": (b'{"id":' * 40_000, 422),
        "deep lists": (b"[" * 200_000, 422),
    }


@LONG_ON_MARIADB
@pytest.mark.parametrize("flaw", _bad(ENTITIES["users"]))
def test_a_bad_body_gets_a_problem_document_and_no_row(service: Service, path: str, entity: Entity, flaw: str) -> None:
    """What cannot be a record is refused with the reason, the same by every path, and never echoed."""
    before = service.database.count(entity)
    body, status = _bad(entity)[flaw]
    answer = service.send(path, entity, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert len(answer.content) < 1000
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        assert problem["errors"][0]["detail"]
    assert service.database.count(entity) == before


@LONG_ON_MARIADB
@pytest.mark.parametrize("how", ["declared", "chunked"])
def test_ten_megabytes_are_too_large(service: Service, path: str, entity: Entity, how: str) -> None:
    """The limit holds with and without a Content-Length, and the connection is of use afterwards."""
    size = 10_000_000
    content = b" " * size if how == "declared" else (b" " * 100_000 for _ in range(size // 100_000))
    answer = service.client.post(f"/v1/{path}/{entity.name}", content=content)
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.send(path, entity, new_record(entity)).status_code == PATHS[path]


@LONG_ON_MARIADB
@pytest.mark.parametrize("media_type", ["text/plain", "application/json; charset=utf-16", None])
def test_another_media_type_is_not_read(service: Service, path: str, entity: Entity, media_type: str | None) -> None:
    """Only JSON in UTF-8 is taken."""
    record = new_record(entity)
    request = service.client.build_request(
        "POST", f"/v1/{path}/{entity.name}", content=msgspec.json.encode(record), headers={"content-type": "x"}
    )
    if media_type is None:
        del request.headers["content-type"]
    else:
        request.headers["content-type"] = media_type
    answer = service.client.send(request)
    assert answer.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.rows(entity, record.id) == []


def test_what_a_record_refers_to_must_exist(service: Service, path: str, entity: Entity) -> None:
    """A reference to nobody is refused, with a pointer to the field."""
    for field in entity.references:
        record = new_record(entity, **{field: new_record(ENTITIES["users"]).id})
        answer = service.send(path, entity, record)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert answer.json()["errors"][0]["pointer"] == f"/{field}"
        assert service.rows(entity, record.id) == []

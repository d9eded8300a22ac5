"""The OpenAPI document is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from new_records import new_fields, new_record

from api.problems import ProblemDocument
from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.stack.stack import Stack

NO_KEY = {"authorization": "Bearer guessed"}
NOT_CAUSED = {"403", "500", "503"}
"""Statuses of which there are no samples here."""


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx.Client]:
    """Return a client of the stack's API, and empty the tables in the end."""
    with httpx.Client(base_url=stack.state.api_url, headers=stack.api_headers, timeout=20) as found:
        yield found
    stack.fresh()


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    """Return the document that the API serves."""
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def _check(document: dict[str, Any], operation: dict[str, Any], answer: httpx.Response) -> None:
    """Assert that *answer* is one of those that *operation* names: status, media type, and members of the body."""
    described = operation["responses"][str(answer.status_code)]
    if "content" not in described:
        assert answer.content == b""
        return
    media_type = answer.headers["content-type"]
    schema = described["content"][media_type]["schema"]
    if media_type == "application/problem+json":
        msgspec.json.decode(answer.content, type=ProblemDocument)
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert set(schema.get("required", ())) <= set(answer.json())
    if "properties" in schema:
        assert set(answer.json()) <= set(schema["properties"])


def test_every_operation_has_its_own_path(document: dict[str, Any]) -> None:
    """Each write path and entity is an operation, each lookup too."""
    wanted = {f"/v1/{path}/{name}" for path in ("sync", "grouped", "kafka") for name in ENTITIES}
    wanted |= {f"/v1/{name}/{{id}}" for name, entity in ENTITIES.items() if entity.lookup}
    wanted |= {"/v1/users/{id}/recommendations", "/v1/analytics/top-products", "/livez", "/readyz"}
    assert set(document["paths"]) == wanted


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """No schema is named that is not there."""
    text = msgspec.json.encode(document).decode()
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])


@pytest.mark.parametrize("path", ["sync", "grouped", "kafka"])
@pytest.mark.parametrize("name", ENTITIES)
def test_the_answers_of_a_write_are_described(
    client: httpx.Client, document: dict[str, Any], path: str, name: str
) -> None:
    """What the API answers to samples of all kinds is what the document says."""
    url = f"/v1/{path}/{name}"
    operation = document["paths"][url]["post"]
    first = new_record(ENTITIES[name])
    second = msgspec.structs.replace(new_record(ENTITIES[name]), id=first.id)
    seen = set()
    for content, media_type in (
        (msgspec.json.encode(first), "application/json"),
        (msgspec.json.encode(second), "application/json"),
        (b"{", "application/json"),
        (b"{}", "application/json"),
        (b"{}", "text/plain"),
        (b" " * 10**6, "application/json"),
    ):
        answer = client.post(url, content=content, headers={"content-type": media_type})
        _check(document, operation, answer)
        seen.add(str(answer.status_code))
    _check(document, operation, client.post(url, headers=NO_KEY))
    seen.add("401")
    assert seen == set(operation["responses"]) - NOT_CAUSED


@pytest.mark.parametrize("name", [name for name, entity in ENTITIES.items() if entity.lookup])
def test_the_answers_of_a_lookup_are_described(client: httpx.Client, document: dict[str, Any], name: str) -> None:
    """Found, not modified, missing and malformed are as the document says."""
    operation = document["paths"][f"/v1/{name}/{{id}}"]["get"]
    known = f"/v1/{name}/{base_id(1, ENTITIES[name].number)}"
    etag = client.get(known).headers["etag"]
    answers = [
        client.get(known),
        client.get(known, headers={"if-none-match": etag}),
        client.get(f"/v1/{name}/{new_record(ENTITIES[name]).id}"),
        client.get(f"/v1/{name}/nobody"),
        client.get(known, headers=NO_KEY),
    ]
    for answer in answers:
        _check(document, operation, answer)
    assert {str(answer.status_code) for answer in answers} == set(operation["responses"]) - NOT_CAUSED


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/v1/users/{id}/recommendations", ["/v1/users/{nobody}/recommendations", "/v1/users/1/recommendations"]),
        ("/v1/analytics/top-products", ["/v1/analytics/top-products?limit=101"]),
    ],
)
def test_the_answers_of_a_computed_read_are_described(
    client: httpx.Client, document: dict[str, Any], path: str, wrong: list[str]
) -> None:
    """They are described as those of a record are."""
    operation = document["paths"][path]["get"]
    known = path.format(id=base_id(1, ENTITIES["users"].number))
    answers = [client.get(known)]
    answers.append(client.get(known, headers={"if-none-match": answers[0].headers["etag"]}))
    answers.append(client.get(known, headers=NO_KEY))
    answers += [client.get(url.format(nobody=new_record(ENTITIES["users"]).id)) for url in wrong]
    for answer in answers:
        _check(document, operation, answer)
    assert {str(answer.status_code) for answer in answers} == set(operation["responses"]) - NOT_CAUSED


@pytest.mark.parametrize("name", ENTITIES)
def test_the_schema_of_a_body_names_exactly_the_fields(document: dict[str, Any], name: str) -> None:
    """All fields are required and no other is allowed."""
    schema = document["components"]["schemas"][ENTITIES[name].record.__name__]
    assert set(schema["required"]) == set(schema["properties"]) == set(new_fields(ENTITIES[name]))
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_the_answers_about_health_are_described(client: httpx.Client, document: dict[str, Any], path: str) -> None:
    """Both health checks answer as described."""
    answer = client.get(path)
    assert answer.is_success
    _check(document, document["paths"][path]["get"], answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/v1/sync/nobody", 404),
        ("POST", "/v1/slow/users", 404),
        ("PUT", "/v1/sync/users", 405),
    ],
)
def test_other_paths_get_problem_documents_too(client: httpx.Client, method: str, path: str, status: int) -> None:
    """Even what the router answers by itself is a problem document."""
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert msgspec.json.decode(answer.content, type=ProblemDocument).status == status

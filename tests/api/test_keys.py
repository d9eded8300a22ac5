"""Keys: who is let in, by which paths of the server, and what happens when the file changes."""

from __future__ import annotations

import hmac
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import psycopg
import pytest
from new_records import new_record
from service_processes import eventually, running_api

from api.guard import Keyring, OpenDoor, guard_of
from api.problems import Forbidden, Unauthenticated
from api.settings import Settings
from contract.api_keys import Scope, line_of, new_key
from contract.entities import ENTITIES
from contract.errors import BadApiKeys
from contract.ids import base_id
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
JSON = {"content-type": "application/json"}
USER = f"/v1/users/{base_id(1, USERS.number)}"


class Door(NamedTuple):
    """An API that asks for keys."""

    client: httpx.Client
    file: Path
    keys: dict[str, str]
    """By their names, each with the scope that the name says."""
    stack: Stack

    def status(self, method: str, path: str, key: str | None, **named: object) -> int:
        """Return the status of a request with a key."""
        headers = {**JSON, **({} if key is None else {"authorization": f"Bearer {key}"})}
        return self.client.request(method, path, headers=headers, **named).status_code  # type: ignore[arg-type]

    def write(self, path: str, key: str | None) -> int:
        """Return the status of a new record's write."""
        return self.status("POST", f"/v1/{path}/users", key, content=msgspec.json.encode(new_record(USERS)))


def lines(keys: dict[str, str]) -> str:
    """Return the text of a file of keys, each named by its scope."""
    return "".join(line_of(name, [Scope(name.partition("-")[0])], key) + "\n" for name, key in keys.items())


@pytest.fixture(scope="module")
def door(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Run an API of our own with a key for each scope."""
    directory = tmp_path_factory.mktemp("door")
    keys = {scope.value: new_key() for scope in Scope}
    file = directory / "keys"
    file.write_text(lines(keys))
    settings = {"SEAWALL_API_WITHOUT_KEYS": None, "SEAWALL_API_KEYS_FILE": str(file)}
    with running_api(stack.connections, directory, **settings) as (client, _):
        eventually(lambda: client.get("/readyz").is_success)
        yield Door(client, file, keys, stack)
    stack.fresh()


@pytest.mark.parametrize("path", ["sync", "grouped", "kafka", "kafka?long"])
def test_a_write_needs_a_key_that_allows_it_on_every_way_through_the_server(door: Door, path: str) -> None:
    """Again and again on one connection: what is known of a head does not open the door to another one."""
    path, query, _ = path.partition("?")

    def write(key: str | None) -> int:
        body = msgspec.json.encode(new_record(USERS))
        return door.status("POST", f"/v1/{path}/users{query and '?long'}", key, content=body)

    before = door.stack.row_counts()["users"]
    good = 202 if path == "kafka" else 201
    for _ in range(2):
        assert write(door.keys["write"]) == good
        assert write(None) == 401
        assert write("guessed") == 401
        assert write(door.keys["write"][:-1]) == 401
        assert write(door.keys["read"]) == 403
        assert write(door.keys["admin"]) == 403
    eventually(lambda: door.stack.row_counts()["users"] == before + 2)


def test_a_read_needs_a_key_that_allows_it(door: Door) -> None:
    """A record, what is computed, what does not exist, and any method that changes nothing."""
    for path in (USER, f"{USER}/recommendations", "/v1/analytics/top-products"):
        assert door.status("GET", path, door.keys["read"]) == 200
        assert door.status("GET", path, None) == 401
        assert door.status("HEAD", path, None) == 401
        assert door.status("GET", path, door.keys["write"]) == 403
    assert door.status("GET", "/nothing", None) == 401
    assert door.status("GET", "/nothing", door.keys["read"]) == 404
    assert door.status("DELETE", USER, door.keys["read"]) == 403
    assert door.status("DELETE", USER, door.keys["write"]) == 405


def test_health_is_shown_to_everybody_and_the_documentation_is_not(door: Door) -> None:
    """An orchestrator has no key."""
    assert [door.status("GET", path, None) for path in ("/livez", "/readyz")] == [200, 200]
    assert [door.status("POST", path, None) for path in ("/livez", "/readyz")] == [405, 405]
    for path in ("/docs", "/openapi.json", "/redoc", "/docs/oauth2-redirect"):
        assert door.status("GET", path, door.keys["read"]) == 404


def test_a_refusal_is_a_problem_document_that_says_what_is_missing_and_repeats_nothing(door: Door) -> None:
    """With the challenge that RFC 6750 asks for."""
    answer = door.client.get(USER, headers={"authorization": "Bearer guessed"})
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:seawall:problem:unauthenticated"
    assert "guessed" not in answer.text
    answer = door.client.get(USER, headers={"authorization": f"Bearer {door.keys['write']}"})
    assert answer.json()["type"] == "urn:seawall:problem:forbidden"
    assert "`read`" in answer.json()["detail"]


@pytest.mark.parametrize("value", ["Basic {0}", "{0}", "Bearer", "Bearer {0} {0}", "Bearer {0}x", "Bearer \xff"])
def test_other_credentials_are_none(door: Door, value: str) -> None:
    """Whatever they contain."""
    headers = {b"authorization": value.format(door.keys["read"]).encode("latin-1")}
    assert door.client.get(USER, headers=headers).status_code == 401


def test_two_headers_are_as_good_as_none(door: Door) -> None:
    """Nobody shall have to guess which of them counts."""
    value = f"Bearer {door.keys['read']}"
    assert door.client.get(USER, headers=[("authorization", value), ("authorization", value)]).status_code == 401
    body = msgspec.json.encode(new_record(USERS))
    value = f"Bearer {door.keys['write']}"
    twice = [("authorization", "Bearer x"), ("authorization", value), ("content-type", "application/json")]
    assert door.client.post("/v1/kafka/users", content=body, headers=twice).status_code == 401


def test_a_new_key_is_valid_and_a_removed_one_is_not_within_seconds(door: Door) -> None:
    """Though its connection is open and its head is known; the others go on."""
    second = new_key()
    assert door.write("kafka", door.keys["write"]) == 202
    door.file.write_text(lines({**door.keys, "write-2": second}))
    eventually(lambda: door.write("kafka", second) == 202)
    assert door.write("kafka", door.keys["write"]) == 202
    door.file.write_text(lines({**door.keys, "write": second}))
    eventually(lambda: door.write("kafka", door.keys["write"]) == 401)
    assert door.write("kafka", second) == 202
    assert door.status("GET", USER, door.keys["read"]) == 200
    door.file.write_text(lines(door.keys))
    eventually(lambda: door.write("kafka", door.keys["write"]) == 202)


def test_nothing_of_a_refused_write_is_stored(door: Door) -> None:
    """Not even where a key allows something else."""
    record = new_record(USERS)
    body = msgspec.json.encode(record)
    for path in ("sync", "grouped", "kafka"):
        for key in (None, "guessed", door.keys["read"]):
            assert door.status("POST", f"/v1/{path}/users", key, content=body) in (401, 403)
    time.sleep(1)
    with psycopg.connect(door.stack.connections.psycopg_url) as database:
        assert database.execute("SELECT 1 FROM users WHERE id = %s", [record.id]).fetchone() is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"SEAWALL_API_WITHOUT_KEYS": None}, "SEAWALL_API_KEYS_FILE: a file of keys is needed"),
        ({"SEAWALL_API_HOST": "0.0.0.0"}, "others could reach 0.0.0.0"),
        ({"SEAWALL_API_HOST": "::"}, "others could reach ::"),
        ({"SEAWALL_API_HOST": "example.org"}, "others could reach example.org"),
        ({"SEAWALL_METRICS_HOST": "0.0.0.0", "SEAWALL_METRICS_PORT": "0"}, "others could reach 0.0.0.0"),
        ({"SEAWALL_API_KEYS_FILE": "/nowhere/keys"}, "contradicts"),
        ({"SEAWALL_API_WITHOUT_KEYS": None, "SEAWALL_API_KEYS_FILE": "/nowhere/keys"}, "cannot be read"),
    ],
)
def test_it_does_not_start_unguarded(
    stack: Stack, tmp_path: Path, settings: dict[str, str | None], expected: str
) -> None:
    """It ends with code 2 and says what to do."""
    with pytest.raises(AssertionError, match=expected), running_api(stack.connections, tmp_path, **settings):
        pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "names no key"),
        ("# nothing\n", "names no key"),
        ("a write\n", "line 1: wanted are"),
        (f"a write {new_key()}\n", "keys themselves do not belong here"),
        (f"a fly {'0' * 64}\n", "scopes are write, read, admin"),
        (f"a/b write {'0' * 64}\n", "a name has"),
        (f"a write {'0' * 64}\nA read {'1' * 64}\na read {'1' * 64}\n", "line 3: the name is taken"),
        (f"a write {'0' * 63}\nb fly {'1' * 64}\n", "line 1: .*; line 2: "),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_not_repeated(tmp_path: Path, text: str, expected: str) -> None:
    """With every mistake at once, and nothing of what may be a secret."""
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(BadApiKeys, match=expected) as refused:
        Keyring(file)
    assert "seawall_" not in str(refused.value)
    assert "0" * 63 not in str(refused.value)


def test_a_file_that_breaks_later_leaves_the_keys_as_they_were(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-written file shuts nobody out; the log says so once."""
    file, key = tmp_path / "keys", new_key()
    file.write_text(lines({"read": key}))
    ring = Keyring(file)
    monkeypatch.setattr(ring, "start", lambda: None)
    file.write_text("a wri")
    with caplog.at_level(logging.ERROR):
        ring._follow()
        ring._follow()
    assert len(caplog.records) == 1
    assert ring.refusal(f"Bearer {key}".encode(), Scope.READ) is None
    file.unlink()
    ring._follow()
    assert ring.refusal(f"Bearer {key}".encode(), Scope.READ) is None


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing but its mode changes, or nothing at all."""
    file, key, second = tmp_path / "keys", new_key(), new_key()
    file.write_text(lines({"read": key}))
    ring = Keyring(file)
    monkeypatch.setattr(ring, "start", lambda: None)
    file.write_text(lines({"read": second}))
    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_text", _denied)
        ring._follow()
    assert ring.refusal(f"Bearer {key}".encode(), Scope.READ) is None
    ring._follow()
    assert isinstance(ring.refusal(f"Bearer {key}".encode(), Scope.READ), Unauthenticated)
    assert ring.refusal(f"Bearer {second}".encode(), Scope.READ) is None


def _denied(*_: object, **__: object) -> str:
    raise PermissionError(13, "Permission denied")


def test_a_file_without_a_key_lets_nobody_in_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line counts as any other does."""
    file, key = tmp_path / "keys", new_key()
    file.write_text(lines({"read": key}))
    ring = Keyring(file)
    monkeypatch.setattr(ring, "start", lambda: None)
    file.write_text("# nobody\n")
    ring._follow()
    assert isinstance(ring.refusal(f"Bearer {key}".encode(), Scope.READ), Unauthenticated)


def test_every_key_is_compared_and_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests, never keys; as many comparisons for a good key as for a bad one, wherever the good one stands."""
    keys = {"read-1": new_key(), "read-2": new_key(), "write-3": new_key()}
    file = tmp_path / "keys"
    file.write_text(lines(keys))
    ring = Keyring(file)
    compared: list[tuple[bytes, bytes]] = []
    constant = hmac.compare_digest

    def noting(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return constant(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    outcomes = [ring.refusal(f"bearer {key}".encode(), Scope.READ) for key in (*keys.values(), "guessed")]
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), Forbidden, Unauthenticated]
    assert len(compared) == len(outcomes) * len(keys)
    assert all(len(part) == 32 for pair in compared for part in pair)


def test_without_keys_is_for_loopback() -> None:
    """In all its spellings."""
    for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        assert isinstance(guard_of(Settings(api_host=host, api_without_keys=True)), OpenDoor)


def test_every_socket_that_is_handed_over_counts() -> None:
    """One for TLS as well, and the address of a TLS port beside sockets of somebody else."""
    with socket.create_server(("127.0.0.1", 0)) as inside, socket.create_server(("0.0.0.0", 0)) as outside:
        mine, others = (inside.fileno(),), (outside.fileno(),)
        assert isinstance(guard_of(Settings(api_sockets=mine, api_host="0.0.0.0", api_without_keys=True)), OpenDoor)
        for named in (
            Settings(api_sockets=others, api_without_keys=True),
            Settings(api_sockets=mine, api_tls_sockets=others, api_without_keys=True),
            Settings(api_sockets=mine, api_tls_port=8443, api_host="0.0.0.0", api_without_keys=True),
        ):
            with pytest.raises(BadApiKeys, match="others could reach"):
                guard_of(named)

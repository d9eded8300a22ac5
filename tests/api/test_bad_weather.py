"""What the API does while a server is down or absent, and afterwards."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
import pytest
from databases import LONG_ON_MARIADB, session_of
from new_records import new_record
from service_processes import eventually, gate_to, running_api, running_api_at, running_sink

from contract.connections import Connections
from contract.entities import ENTITIES, Record
from seawall.stack.stack import Stack

USERS, ORDERS = ENTITIES["users"], ENTITIES["orders"]
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> object:
    yield
    stack.fresh()


@contextlib.contextmanager
def sink_of(servers: Connections, stack: Stack, directory: Path) -> Iterator[None]:
    """Have a sink at work that writes to the database of *servers*: the stack's, or one of its own."""
    if servers.database == stack.connections.database:
        yield
        return
    own = {"SEAWALL_SINK_GROUP": "bad-weather", "SEAWALL_SINK_NAME": "bad-weather"}
    with running_sink(servers, directory, **own):
        yield


def _send(client: httpx.Client, path: str, record: Record) -> httpx.Response:
    name = next(name for name, entity in ENTITIES.items() if isinstance(record, entity.record))
    return client.post(f"/v1/{path}/{name}", content=msgspec.json.encode(record), headers=JSON)


def _assert_unavailable(answer: httpx.Response, outcome: str) -> None:
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["outcome"] == outcome


def test_without_kafka_its_path_says_so_and_all_else_works(stack: Stack, tmp_path: Path) -> None:
    """A Kafka that is not configured is absent, not down."""
    with running_api(stack.connections, tmp_path, SEAWALL_KAFKA_BOOTSTRAP_SERVERS=None) as (client, _):
        answer = _send(client, "kafka", new_record(USERS))
        _assert_unavailable(answer, "not-stored")
        assert "SEAWALL_KAFKA_BOOTSTRAP_SERVERS" in answer.json()["detail"]
        assert _send(client, "sync", new_record(USERS)).is_success
        assert _send(client, "grouped", new_record(USERS)).is_success
        ready = client.get("/readyz")
        assert ready.status_code == HTTPStatus.OK
        assert ready.json()["dependencies"]["kafka"] == {"status": "absent"}


def test_with_nothing_configured_the_api_runs_and_says_what_is_missing(stack: Stack, tmp_path: Path) -> None:
    """Every path has its stand-in."""
    nothing = dict.fromkeys(stack.connections.environment())
    with running_api(stack.connections, tmp_path, **nothing) as (client, _):
        for path in ("sync", "grouped", "kafka"):
            _assert_unavailable(_send(client, path, new_record(USERS)), "not-stored")
        _assert_unavailable(_send(client, "sync", new_record(ORDERS)), "not-stored")
        _assert_unavailable(client.get(f"/v1/users/{new_record(USERS).id}"), "not-stored")


def test_a_kafka_that_is_down_is_unavailable_and_heals(stack: Stack, tmp_path: Path) -> None:
    """The API starts without the brokers, says that the outcome is unknown, and works once they are there."""
    address = stack.connections.kafka["bootstrap.servers"]
    with gate_to(address) as (gate, behind):
        gate.cut()
        settings = {"SEAWALL_KAFKA_BOOTSTRAP_SERVERS": behind, "SEAWALL_KAFKA_MESSAGE_TIMEOUT_MS": "500"}
        with running_api(stack.connections, tmp_path, **settings) as (client, _):
            _assert_unavailable(_send(client, "kafka", new_record(USERS)), "unknown")
            assert client.get("/readyz").json()["dependencies"]["kafka"]["status"] == "down"
            assert _send(client, "sync", new_record(USERS)).is_success
            gate.mend()
            eventually(lambda: _send(client, "kafka", new_record(USERS)).status_code == HTTPStatus.ACCEPTED)
            eventually(lambda: client.get("/readyz").status_code == HTTPStatus.OK)


def test_a_database_that_is_down_is_unavailable_and_heals(servers: Connections, tmp_path: Path) -> None:
    """The API starts without the database, and survives its loss with pools full of dead connections."""
    with gate_to(servers.plain_database_url) as (gate, behind):
        gate.cut()
        with running_api(servers, tmp_path, SEAWALL_DATABASE_URL=behind) as (client, _):
            for _ in range(2):
                for path in ("sync", "grouped"):
                    answer = _send(client, path, new_record(USERS))
                    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
                # its answer may be a second old
                eventually(lambda: client.get("/readyz").status_code == HTTPStatus.SERVICE_UNAVAILABLE)
                unknown = new_record(ORDERS, user_id=new_record(USERS).id)
                _assert_unavailable(_send(client, "kafka", unknown), "not-stored")
                gate.mend()
                for path in ("sync", "grouped"):
                    assert _send(client, path, new_record(USERS)).status_code == HTTPStatus.CREATED
                eventually(lambda: client.get("/readyz").status_code == HTTPStatus.OK)
                gate.cut()


def test_lost_connections_alone_cost_no_request(servers: Connections, tmp_path: Path) -> None:
    """When the database was restarted between two requests, the second finds a new connection by itself."""
    with (
        gate_to(servers.plain_database_url) as (gate, behind),
        running_api(servers, tmp_path, SEAWALL_DATABASE_URL=behind) as (client, _),
    ):
        for _ in range(3):
            for path in ("sync", "grouped"):
                assert _send(client, path, new_record(USERS)).status_code == HTTPStatus.CREATED
            assert client.get(f"/v1/users/{new_record(USERS).id}").status_code == HTTPStatus.NOT_FOUND
            gate.cut()
            gate.mend()


def test_without_valkey_lookups_go_to_the_database(stack: Stack, tmp_path: Path) -> None:
    """A Valkey that is down costs one time-out, not one a lookup, and nothing is answered differently."""
    with gate_to(stack.connections.redis_url) as (gate, behind):
        gate.cut()
        settings = {"SEAWALL_CACHE_URL": behind, "SEAWALL_CACHE_PAUSE_S": "0.2"}
        with running_api(stack.connections, tmp_path, **settings) as (client, _):
            assert _send(client, "sync", new_record(ORDERS)).is_success
            user = new_record(USERS)
            assert _send(client, "sync", user).is_success
            assert client.get(f"/v1/users/{user.id}").json() == msgspec.to_builtins(user)
            assert client.get("/readyz").json()["dependencies"]["cache"]["status"] == "down"
            gate.mend()
            eventually(lambda: client.get("/readyz").status_code == HTTPStatus.OK)


@LONG_ON_MARIADB
def test_sigterm_answers_everything_that_was_accepted(stack: Stack, servers: Connections, tmp_path: Path) -> None:
    """Under load, each request is answered or its connection refused; what was answered with success is stored."""
    stored: list[Record] = []
    with sink_of(servers, stack, tmp_path), running_api(servers, tmp_path) as (client, process):
        url = str(client.base_url)
        broken: list[httpx.TransportError] = []

        def load(path: str) -> None:
            with httpx.Client(base_url=url, timeout=20, headers={"connection": "close"}) as own:
                while True:
                    record = new_record(USERS)
                    try:
                        answer = _send(own, path, record)
                    except httpx.ConnectError:
                        return
                    except httpx.TransportError as error:
                        broken.append(error)
                        return
                    if answer.is_success:
                        stored.append(record)

        threads = [threading.Thread(target=load, args=(path,)) for path in ("sync", "grouped", "kafka") * 4]
        for thread in threads:
            thread.start()
        eventually(lambda: len(stored) > 100)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert process.wait(20) == 0
        with contextlib.closing(session_of(servers)) as database:
            eventually(lambda: len(database.records(USERS, [one.id for one in stored])) == len(stored))
            database.empty()


@LONG_ON_MARIADB
def test_a_restart_under_load_fails_no_request(servers: Connections, tmp_path: Path) -> None:
    """Connections end with an answer that says so, and new ones wait for the next process at the same socket."""
    answered: list[int] = []
    failures: list[str] = []
    over = threading.Event()

    def load(url: str, path: str, pause_s: float) -> None:
        with httpx.Client(base_url=url, timeout=20) as own:
            while not over.wait(pause_s):
                try:
                    answer = _send(own, path, new_record(USERS))
                except httpx.TransportError as error:
                    failures.append(repr(error))
                    return
                (answered if answer.is_success else failures).append(answer.status_code)  # type: ignore[arg-type]

    with contextlib.ExitStack() as exits, socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = exits.enter_context(running_api_at(servers, tmp_path, listener))
        kinds = [(path, pause_s) for path in ("sync", "grouped", "kafka") for pause_s in (0.0, 0.0, 0.05, 0.1)]
        threads = [threading.Thread(target=load, args=(url, *kind)) for kind in kinds]
        for thread in threads:
            thread.start()
        for _ in range(3):
            seen = len(answered)
            eventually(lambda seen=seen: len(answered) > seen + 100)  # type: ignore[misc]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            process = exits.enter_context(running_api_at(servers, tmp_path, listener))
        seen = len(answered)
        eventually(lambda: len(answered) > seen + 100)
        over.set()
        for thread in threads:
            thread.join()
    assert failures == []


def _listens(port: int | None) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_a_process_that_stands_still_while_it_ends_answers_what_has_come(stack: Stack, tmp_path: Path) -> None:
    """When it goes on, the time for a last request is over, but this one came within it."""
    with running_api(stack.connections, tmp_path) as (client, process):
        assert _send(client, "sync", new_record(USERS)).is_success
        process.send_signal(signal.SIGTERM)
        eventually(lambda: not _listens(client.base_url.port))
        process.send_signal(signal.SIGSTOP)
        try:
            answers: list[httpx.Response] = []
            asking = threading.Thread(target=lambda: answers.append(_send(client, "sync", new_record(USERS))))
            asking.start()
            time.sleep(0.7)
        finally:
            process.send_signal(signal.SIGCONT)
        asking.join()
        assert [answer.status_code for answer in answers] == [HTTPStatus.CREATED]
        assert process.wait(20) == 0


@pytest.mark.long
def test_what_kafka_never_acknowledged_is_counted_at_the_end(stack: Stack, tmp_path: Path) -> None:
    """A process that has to give records up says how many, and its exit code is not that of a good end."""
    with gate_to(stack.connections.kafka["bootstrap.servers"]) as (gate, behind):
        gate.cut()
        settings = {
            "SEAWALL_KAFKA_BOOTSTRAP_SERVERS": behind,
            "SEAWALL_KAFKA_MESSAGE_TIMEOUT_MS": "4000",
            "SEAWALL_API_GRACEFUL_S": "1",
        }
        with running_api(stack.connections, tmp_path, **settings) as (client, process):
            accepted: list[bool] = []
            url = str(client.base_url)

            def write() -> None:
                with contextlib.suppress(httpx.TransportError), httpx.Client(base_url=url, timeout=20) as own:
                    accepted.append(_send(own, "kafka", new_record(USERS)).is_success)

            threads = [threading.Thread(target=write) for _ in range(3)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            for thread in threads:
                thread.join()
            assert process.wait(20) == 1
            assert not any(accepted)
    (log,) = tmp_path.glob("api-*.log")
    assert "3 records were not acknowledged by Kafka before the end" in log.read_text()


def test_readiness_ends_before_the_port_closes(stack: Stack, tmp_path: Path) -> None:
    """A load balancer gets the time to notice that the process goes."""
    with running_api(stack.connections, tmp_path, SEAWALL_API_DRAIN_DELAY_S="1") as (client, process):
        eventually(lambda: client.get("/readyz").status_code == HTTPStatus.OK)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: client.get("/readyz").json()["status"] == "draining")
        assert client.get("/readyz").status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert _send(client, "grouped", new_record(USERS)).is_success
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("SEAWALL_DATABASE_URL", "mysql://x"), ("SEAWALL_GROUP_SIZE", "0"), ("SEAWALL_API_PORT", "http")],
)
def test_a_setting_that_cannot_be_used_is_named(stack: Stack, tmp_path: Path, name: str, value: str) -> None:
    """The process ends at once with a line about the setting."""
    with pytest.raises(AssertionError, match=name), running_api(stack.connections, tmp_path, **{name: value}):
        pass


def test_a_port_in_use_ends_the_process(stack: Stack, tmp_path: Path) -> None:
    """Two processes cannot have one port, and the second says so."""
    port = httpx.URL(stack.state.api_url).port
    with (
        pytest.raises(AssertionError, match="address already in use"),
        running_api(stack.connections, tmp_path, SEAWALL_API_PORT=str(port), SEAWALL_API_HOST="127.0.0.1"),
    ):
        pass

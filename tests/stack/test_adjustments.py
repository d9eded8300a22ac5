"""Settings of running servers, changed and set back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx
import msgspec
import psutil
import psycopg
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from new_records import new_record
from service_processes import eventually

from contract.entities import ENTITIES
from seawall.stack.adjustments import Adjustments
from seawall.stack.errors import NotAdjusted
from seawall.stack.server_settings import ServerSettings
from seawall.stack.stack import Stack

LATER = ServerSettings(postgres={"synchronous_commit": "off"})
FLUSHED = ServerSettings(topics={"flush.messages": "1"})


@pytest.fixture(autouse=True)
def _as_it_was(stack: Stack) -> Iterator[None]:
    before = stack.settings()
    yield
    assert stack.settings() == before


def commit_of(connection: psycopg.Connection[Any]) -> str:
    """Return what this session sees."""
    row = connection.execute("SHOW synchronous_commit").fetchone()
    assert row
    return str(row[0])


def flush_of(stack: Stack) -> set[str]:
    """Return what the topics have."""
    return {topic["flush.messages"] for topic in stack.settings()["kafka"]["topics"].values()}


def test_sessions_old_and_new_see_a_changed_setting(stack: Stack) -> None:
    """As soon as `apply` returns, a pool's session commits as a new one does."""
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as old, stack.adjustments() as adjustments:
        adjustments.apply(LATER)
        with psycopg.connect(stack.connections.psycopg_url) as new:
            assert (commit_of(old), commit_of(new)) == ("off", "off")
        adjustments.apply(ServerSettings())
        assert commit_of(old) == "on"


def test_topics_take_a_setting_and_lose_it(stack: Stack) -> None:
    """All topics have it, and afterwards none has one of its own."""
    before = flush_of(stack)
    with stack.adjustments() as adjustments:
        adjustments.apply(FLUSHED)
        assert flush_of(stack) == {"1"}
        adjustments.apply(LATER)  # what the next arm does not name goes back to what it was
        assert flush_of(stack) == before
        assert stack.settings()["postgres"]["synchronous_commit"] == "off"


def test_brokers_take_a_setting_and_lose_it(stack: Stack) -> None:
    """The whole cluster has it while it runs, and afterwards what stands in its file."""

    def threads() -> str:
        admin = AdminClient({**stack.connections.kafka, "log_level": 0})
        (found,) = admin.describe_configs([ConfigResource(ResourceType.BROKER, "1")]).values()
        return str(found.result()["num.io.threads"].value)

    before = threads()
    with stack.adjustments() as adjustments:
        adjustments.apply(ServerSettings(brokers={"num.io.threads": "4"}))
        assert threads() == "4" != before
    assert threads() == before


def test_services_are_started_anew_with_other_variables(stack: Stack) -> None:
    """Both have them, records go through, one that dies has them again, and afterwards nobody has them."""

    def variable(service: str, name: str) -> str | None:
        pid = stack.state.services[service].pid
        assert pid is not None
        return psutil.Process(pid).environ().get(name)

    names = {"api": "SEAWALL_KAFKA_PRODUCER_PROPERTIES", "sink-1": "SEAWALL_SINK_BATCH_SIZE"}
    wanted = {"api": {names["api"]: '{"linger.ms":1}'}, "sink": {names["sink-1"]: "10"}}
    with stack.adjustments() as adjustments:
        adjustments.apply(ServerSettings(variables=wanted))
        assert [variable(*pair) for pair in names.items()] == ['{"linger.ms":1}', "10"]
        pids = {name: service.pid for name, service in stack.state.services.items()}
        adjustments.apply(ServerSettings(variables={**wanted, "sink": {names["sink-1"]: "20"}}))
        now = stack.state.services
        assert now["api"].pid == pids["api"]  # nothing changed for it
        assert variable("sink-1", names["sink-1"]) == "20"
        stack.signal("sink-1", signal.SIGKILL)
        eventually(lambda: stack.state.services["sink-1"].pid not in (now["sink-1"].pid, None) and not stack.missing())
        assert variable("sink-1", names["sink-1"]) == "20"
        record = new_record(ENTITIES["users"])
        url = f"{stack.state.api_url}/v1/kafka/users"
        headers = {**stack.api_headers, "content-type": "application/json"}
        assert httpx.post(url, content=msgspec.json.encode(record), headers=headers).status_code == HTTPStatus.ACCEPTED
        eventually(lambda: stack.row_counts()["users"] == 1)
    assert [variable(*pair) for pair in names.items()] == [None, None]
    stack.fresh()


@pytest.mark.long
def test_services_that_do_not_come_back_are_an_error(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that the service refuses: told with where to look, and set back."""
    monkeypatch.setattr("seawall.stack.respawn._BACK_WITHIN_S", 3.0)
    wanted = ServerSettings(variables={"api": {"SEAWALL_KAFKA_PRODUCER_PROPERTIES": '{"acks":1}'}})
    adjustments = stack.adjustments()
    with pytest.raises(NotAdjusted, match="see the logs in"):
        adjustments.apply(wanted)
    monkeypatch.undo()
    adjustments.apply(ServerSettings())
    assert not stack.missing()


def test_an_interruption_sets_everything_back(stack: Stack) -> None:
    """Ctrl-C in the middle of an arm leaves the servers as they were."""
    before = stack.settings()

    def interrupted() -> None:
        with stack.adjustments() as adjustments:
            adjustments.apply(ServerSettings(postgres=LATER.postgres, topics=FLUSHED.topics))
            assert stack.settings() != before
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stack.settings() == before


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (ServerSettings(postgres={"synchronous_comit": "off"}), 'unrecognized configuration parameter "synchronous_co'),
        (ServerSettings(topics={"flush.mesages": "1"}), "no setting 'flush.mesages'"),
        (ServerSettings(topics={"flush.messages": "often"}), "often"),
    ],
)
def test_what_a_server_does_not_take_is_an_error(stack: Stack, wanted: ServerSettings, words: str) -> None:
    """The message says which server and which setting."""
    with stack.adjustments() as adjustments, pytest.raises(NotAdjusted, match=words):
        adjustments.apply(wanted)


@pytest.mark.parametrize(
    ("service", "wanted", "name"),
    [("postgres", LATER, "SEAWALL_DATABASE_URL"), ("kafka-1", FLUSHED, "SEAWALL_KAFKA_BOOTSTRAP_SERVERS")],
)
def test_servers_of_others_are_left_alone(stack: Stack, service: str, wanted: ServerSettings, name: str) -> None:
    """The message names the setting that gave the server, and nothing was changed."""
    services = dict(stack.state.services)
    services[service] = msgspec.structs.replace(services[service], external=True)
    state = msgspec.structs.replace(stack.state, services=services)
    with Adjustments(stack.connections, state) as adjustments, pytest.raises(NotAdjusted, match=name):
        adjustments.apply(wanted)

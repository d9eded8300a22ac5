"""Settings of running servers, changed and set back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest

from seawall.stack.adjustments import Adjustments, ServerSettings
from seawall.stack.errors import NotAdjusted
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

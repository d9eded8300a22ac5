"""What arms promise, and what the servers say of it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from contract.connections import Connections
from seawall.experiments.arms import ARMS, arm_of, as_they_are, not_to_be_made, unequal
from seawall.experiments.errors import ArmNotMade
from seawall.result import Arm


def servers(*, commit: str = "on", fsync: str = "on", replicas: int = 1, flush: str = "9223372036854775807") -> Any:
    """Return what servers with these settings report."""
    topic = {"replication_factor": replicas, "min.insync.replicas": "2", "flush.messages": flush}
    return {"postgres": {"fsync": fsync, "synchronous_commit": commit}, "kafka": {"topics": {"seawall.users": topic}}}


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("sync", servers(), "fsync"),
        ("sync-later", servers(commit="off"), "fsync later"),
        ("grouped", servers(), "fsync"),
        ("kafka", servers(), "1 broker, page cache"),
        ("kafka-flushed", servers(flush="1"), "1 broker, flushed"),
        ("sync-3", servers(replicas=3), "fsync"),
        ("kafka-3", servers(replicas=3), "3 replicas, min ISR 2, page cache"),
    ],
)
def test_a_promise_that_the_servers_report_is_an_arm(name: str, settings: Any, words: str) -> None:
    """The class is read from the servers' own settings, which stand in the arm."""
    arm = arm_of(ARMS[name], settings)
    assert arm.durability == words
    assert arm.settings["postgres"] == settings["postgres"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sync", servers(commit="off")),
        ("sync", servers(fsync="off")),
        ("sync-later", servers()),
        ("kafka-flushed", servers()),
        ("kafka", servers(flush="1")),
        ("kafka-3", servers()),
    ],
)
def test_a_promise_that_the_servers_do_not_report_is_an_error(name: str, settings: Any) -> None:
    """The message says what was promised, what is reported, and what to do."""
    with pytest.raises(
        ArmNotMade, match=rf"{name} promises '{ARMS[name].durability}', and the servers report .*--paths"
    ):
        arm_of(ARMS[name], settings)


def test_paths_take_the_servers_as_they_are() -> None:
    """Whatever they report is the arm's class."""
    (plan,) = as_they_are(["sync"])
    assert arm_of(plan, servers(fsync="off")).durability == "no fsync"


def test_flushed_is_as_good_as_fsync_and_nothing_else_is_equal() -> None:
    """Both answer after a flush to the one disk; every other pair says how it differs."""

    def arm(durability: str) -> Arm:
        return Arm(name="a", path="sync", durability=durability)

    words = sorted({plan.durability for plan in ARMS.values()})
    same = {(one, other) for one in words for other in words if not unequal(arm(one), arm(other))}
    assert same == {(word, word) for word in words} | {("fsync", "1 broker, flushed"), ("1 broker, flushed", "fsync")}
    assert unequal(arm("fsync"), arm("fsync later")) == "fsync later against fsync"


@pytest.mark.parametrize(
    ("given", "refused", "words"),
    [
        ({"database_url": SecretStr("postgresql://x")}, {"sync-later"}, "SEAWALL_DATABASE_URL"),
        (
            {"kafka_bootstrap_servers": "x:1"},
            {"kafka", "kafka-flushed", "sync-3", "kafka-3"},
            "SEAWALL_KAFKA_BOOTSTRAP_SERVERS",
        ),
        ({"api_url": "http://x"}, set(ARMS), "SEAWALL_API_URL"),
        ({"cache_url": SecretStr("redis://x")}, set(), ""),
    ],
)
def test_servers_of_others_allow_what_needs_no_change(given: dict[str, Any], refused: set[str], words: str) -> None:
    """Each arm that cannot be made there is named with the setting in its way; paths as they are always can."""
    connections = Connections.model_construct(None, **{**dict.fromkeys(Connections.model_fields), **given})
    mistakes = not_to_be_made(ARMS.values(), connections)
    assert {mistake.split()[1] for mistake in mistakes} == refused
    assert all(words in mistake for mistake in mistakes)
    assert not not_to_be_made(as_they_are(["sync", "kafka"]), connections)

"""The state file."""

import os
from pathlib import Path

import msgspec
import pytest

from seawall.stack.options import StackOptions
from seawall.stack.state import (
    SCHEMA_VERSION,
    ServiceState,
    StackState,
    last_state,
    read_state,
    started_at,
    state_path,
    write_state,
)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a home of its own."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path))


def a_state(pid: int, started: float, phase: str = "up") -> StackState:
    """Return a state whose supervisor is the given process."""
    return StackState(
        schema_version=SCHEMA_VERSION,
        run="run",
        phase=phase,
        supervisor_pid=pid,
        supervisor_started=started,
        started=started,
        owner="tests",
        options=StackOptions(),
        api_url="http://127.0.0.1:1",
        environment={"SEAWALL_CACHE_URL": "redis://:secret@127.0.0.1:1/0"},
        brokers=1,
        partitions=3,
        sinks=1,
        kafka=True,
        journal_dir="",
        logs_dir="",
        data_dir="",
        services={"api": ServiceState(kind="api", address="http://127.0.0.1:1")},
    )


def test_a_state_survives_the_file() -> None:
    """What is written is what is read."""
    state = a_state(os.getpid(), started_at(os.getpid()))
    write_state(state)
    assert read_state() == state


def test_only_its_owner_can_read_it() -> None:
    """The file holds passwords, so nobody else may read it."""
    write_state(a_state(1, 0.0))
    assert state_path().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("age_s", "phase"),
    [pytest.param(1000.0, "up", id="another process has the number now"), pytest.param(0.0, "starting", id="starting")],
)
def test_a_stack_that_is_not_up_is_not_read(age_s: float, phase: str) -> None:
    """A dead supervisor's number may be another's now, and a stack that still starts cannot be used."""
    write_state(a_state(os.getpid(), started_at(os.getpid()) - age_s, phase))
    assert read_state() is None
    assert last_state() is not None


def test_a_file_of_another_version_is_none() -> None:
    """A state that cannot be understood is treated as absent."""
    state_path().write_bytes(msgspec.json.encode({"schema_version": 0}))
    assert last_state() is None

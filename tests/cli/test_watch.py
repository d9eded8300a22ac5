"""`watch`: the running stack in the terminal, and what it says where something does not answer."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from new_records import new_record
from service_processes import eventually
from test_app import seawall

from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.observe.moment import moment
from seawall.observe.readings import Reader
from seawall.stack.stack import Stack
from seawall.stack.state import write_state

USERS = ENTITIES["users"]
WATCH = [sys.executable, "-P", "-m", "seawall.cli", "watch"]


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


@pytest.fixture
def traffic(stack: Stack) -> Iterator[None]:
    """Send a write by each path, one that fails, and a lookup, again and again."""
    over = threading.Event()

    def send() -> None:
        with httpx.Client(base_url=stack.state.api_url, headers=stack.api_headers, timeout=20) as client:
            while not over.is_set():
                for path in ("sync", "grouped", "kafka"):
                    client.post(f"/v1/{path}/users", json=msgspec.to_builtins(new_record(USERS)))
                client.post("/v1/sync/users", json={})
                client.get(f"/v1/users/{base_id(1, USERS.number)}")
                over.wait(0.02)

    thread = threading.Thread(target=send)
    thread.start()
    yield
    over.set()
    thread.join()


def watched(*arguments: str) -> dict[str, Any]:
    """Return what one look says."""
    done = seawall("watch", "--once", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.usefixtures("traffic")
def test_one_look_shows_every_path_the_rows_the_caches_and_the_database() -> None:
    """Rates and times of what was sent meanwhile, and nothing that does not answer."""
    found = watched("--interval", "2")
    assert found["troubles"] == []
    assert found["seconds"] >= 2
    for path in ("sync", "grouped", "kafka"):
        assert found["writes"][path]["per_s"] > 0
        assert found["writes"][path]["p95_ms"] > 0
        assert found["writes"][path]["failed_per_s"] == 0
    assert found["writes"]["sync"]["refused_per_s"] > 0
    assert found["lookups"]["per_s"] > 0
    assert found["rows"]["per_s"] > 0
    assert found["rows"]["delay_p95_ms"] > 0
    assert found["lag"] >= 0
    assert found["cache"]["memory_share"] > 0
    assert found["cache"]["memory_entries"] > 0
    assert found["database"]["transactions_per_min"] > 0
    assert found["database"]["rows_inserted_per_s"] > 0
    assert found["work"]["api"]["cores"] > 0
    assert found["work"]["postgres"]["memory_bytes"] > 1e6
    assert found["work"].keys() == {"api", "sink-1", "postgres", "valkey", "kafka-1"}
    assert all(0 < room["free_bytes"] <= room["size_bytes"] for room in found["disks"].values())
    assert found["disks"]
    assert found["load"] is None


@pytest.mark.long
def test_the_table_names_what_it_shows(stack: Stack) -> None:
    """For people: all paths and parts, no colours where nobody sees them."""
    done = seawall("watch", "--once", "--interval", "0.2")
    assert done.returncode == 0, done.stderr
    for word in ("sync", "grouped", "kafka", "lookups", "rows", "lag", "caches", "database", "queries a minute"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.long
def test_ctrl_c_ends_it_without_a_word(stack: Stack) -> None:
    """In a terminal, in the middle of drawing; the exit code is 0."""
    master, slave = pty.openpty()
    with subprocess.Popen([*WATCH, "--interval", "0.2"], stdin=slave, stdout=slave, stderr=subprocess.PIPE) as process:
        os.close(slave)
        drawn = b""
        while b"transactions" not in drawn:
            drawn += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        threading.Thread(target=_drain, args=(master,), daemon=True).start()
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except OSError:
        pass


def test_without_a_stack_it_says_what_to_do(tmp_path: Path) -> None:
    """Exit code 2, in a line."""
    done = seawall("watch", SEAWALL_HOME=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == ("seawall: no stack is up, so there is nothing to watch: start one with `bin/seawall up`\n")


@pytest.mark.long
def test_a_stack_that_goes_ends_it_with_a_word(stack: Stack) -> None:
    """Exit code 2: here the state file says so for a moment."""
    state = stack.state
    with subprocess.Popen(
        [*WATCH, "--json", "--interval", "0.2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("{")
        try:
            write_state(msgspec.structs.replace(state, phase="stopping"))
            _, said = process.communicate(timeout=30)
        finally:
            write_state(state)
    assert process.returncode == 2
    assert "the stack was stopped" in said


@pytest.mark.long
def test_who_does_not_answer_is_named_and_the_rest_is_shown(stack: Stack) -> None:
    """A sink that is killed is missing until it runs again; then its counts begin anew, and no rate is negative."""
    reader = Reader(stack)
    try:
        before = reader.read()
        assert before.troubles == []
        with stack.held_down("sink-1"):
            stack.signal("sink-1", signal.SIGKILL)
            eventually(
                lambda: "sink-1 does not run" in (found := reader.read()).troubles and found.database is not None
            )
            shown = moment(before, reader.read())
            assert shown.rows is None
            assert shown.lag is not None
            assert "sink-1 does not run" in shown.troubles
        eventually(lambda: not reader.read().troubles, 60)
        time.sleep(0.5)
        again = moment(before, reader.read())
        assert again.rows is not None
        assert again.rows.per_s >= 0
    finally:
        reader.close()

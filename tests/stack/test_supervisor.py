"""Who lives and dies with whom: small stacks without Kafka, each in a home of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from seawall.stack.errors import OtherStackRunning, StackError, Unreachable
from seawall.stack.options import StackOptions
from seawall.stack.ports import HOST
from seawall.stack.service import PRELOAD
from seawall.stack.small_disk import why_not
from seawall.stack.stack import OWNER_UP, Stack, stop_whatever_runs
from seawall.stack.state import last_state, read_state, state_path

SMALL = StackOptions(kafka=False)
_UNLUCKY_JAVA = """#!/bin/sh
if [ "$1" = -version ]; then echo 'openjdk version "21" 2024' >&2; exit; fi
echo out of luck
exit 3
"""
_OWNER = """
import sys, time
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack
Stack.up(StackOptions(kafka=False), owner="tests")
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a home of its own, in which nothing runs when it ends."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "own"))
    yield tmp_path / "own"
    stop_whatever_runs()


def until(holds: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Wait until *holds*; tell whether it came to that."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def shared_memory() -> list[str]:
    """Return the numbers of the system's segments of shared memory."""
    return [line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]


def remains(home: Path) -> list[str]:
    """Return processes that know the home, and data in it."""
    commands = (" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    found = [command for command in commands if str(home) in command]
    data = home / "data"
    return found + [str(path) for path in (data.iterdir() if data.exists() else ())]


def test_down_leaves_nothing_but_logs(own_home: Path) -> None:
    """After `down` there is no process, no data and no state, and the logs are kept."""
    stack = Stack.up(SMALL, owner=OWNER_UP)
    pids = [service.pid for service in stack.state.services.values() if service.pid]
    directories = stack.state.directories
    logs = Path(stack.state.services["postgres"].log)
    stack.down()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert remains(own_home) == []
    assert not any(Path(place).exists() for place in directories)
    assert not state_path().exists()
    assert "ready to accept connections" in logs.read_text()


def test_a_process_that_stands_by_takes_over(own_home: Path) -> None:
    """It is there before the first one dies, another follows it, and `down` ends that as well."""

    def preloaded() -> set[int]:
        """Return the API's processes, those that wait included."""
        return {
            process.pid
            for process in psutil.process_iter(["cmdline"])
            if process.info["cmdline"] and process.info["cmdline"][-2:] == [str(PRELOAD), "api"] and ours(process)
        }

    def ours(process: psutil.Process) -> bool:
        return process.ppid() == stack.state.supervisor_pid

    def whole() -> bool:
        try:
            return not stack.missing()
        except Unreachable:
            return False

    stack = Stack.up(msgspec.structs.replace(SMALL, standby=True), owner=OWNER_UP)
    first = stack.state.services["api"].pid
    assert until(lambda: len(preloaded()) == 2)
    (waiting,) = preloaded() - {first}
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert until(lambda: stack.state.services["api"].pid == waiting)
    assert until(whole)
    assert until(lambda: len(preloaded()) == 2)
    stack.down()
    assert remains(own_home) == []


@pytest.mark.long
def test_servers_die_with_their_owner(own_home: Path) -> None:
    """An owner that is killed cannot stop its stack, so the stack notices and stops itself."""
    owner = subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"up\n"
    state = read_state()
    assert state is not None
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert until(lambda: not psutil.pid_exists(state.supervisor_pid))
    assert last_state() is None
    assert remains(own_home) == []


def test_servers_die_with_their_supervisor_and_the_next_start_cleans_up(own_home: Path) -> None:
    """A supervisor that is killed takes the servers along, and its data goes away with the next start."""
    state = Stack.up(SMALL, owner=OWNER_UP).state
    os.kill(state.supervisor_pid, signal.SIGKILL)
    pids = [service.pid for service in state.services.values() if service.pid]
    assert until(lambda: not any(psutil.pid_exists(pid) for pid in pids))
    assert Stack.attach() is None
    again = Stack.up(SMALL, owner=OWNER_UP)
    assert not Path(state.data_dir).exists()
    assert not any(Path(place).exists() for place in state.directories)
    again.down()


def test_a_database_that_is_killed_leaves_no_shared_memory(own_home: Path) -> None:
    """Nor where nobody was left to start it again: the stack that cleans up removes what PostgreSQL could not."""
    state = Stack.up(SMALL, owner=OWNER_UP).state
    places = [Path(place) for place in (state.data_dir, *state.directories)]
    (pid_file,) = (file for place in places for file in place.glob("**/postmaster.pid"))
    segment = pid_file.read_text().splitlines()[6].split()[1]
    assert segment in shared_memory()
    os.kill(state.supervisor_pid, signal.SIGSTOP)  # it shall neither start the database again nor stop it
    os.kill(state.services["postgres"].pid or 0, signal.SIGKILL)
    os.kill(state.supervisor_pid, signal.SIGKILL)
    assert until(lambda: Stack.attach() is None)
    stop_whatever_runs()
    assert segment not in shared_memory()


def test_an_api_that_dies_is_started_again() -> None:
    """The API comes back on its port, and the restart is counted."""
    stack = Stack.up(SMALL, owner="tests")
    first = stack.state.services["api"]
    stack.signal("api", signal.SIGKILL)
    assert until(lambda: stack.state.services["api"].restarts == 1)
    second = stack.state.services["api"]
    assert (second.port, second.pid) != (first.port, first.pid)
    assert second.port == first.port
    stack.down()


def test_a_second_stack_is_refused() -> None:
    """Where one runs, another start is an error that says how to stop the first."""
    stack = Stack.up(SMALL, owner="tests")
    with pytest.raises(OtherStackRunning, match="seawall down"):
        Stack.up(SMALL, owner="tests")
    stack.down()


def test_a_start_that_fails_leaves_nothing(own_home: Path) -> None:
    """A port that is held stops the start, and what was started for it goes away."""
    with socket.create_server((HOST, 0)) as holder, pytest.raises(StackError, match="in use"):
        Stack.up(StackOptions(kafka=False, api_port=holder.getsockname()[1]), owner="tests")
    assert remains(own_home) == []
    assert last_state() is None


def test_a_server_that_dies_shows_the_end_of_its_log(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error carries the last lines that the server printed, and where the rest is."""
    java = own_home.parent / "java"
    java.write_text(_UNLUCKY_JAVA)
    java.chmod(0o755)
    monkeypatch.setenv("SEAWALL_JAVA", str(java))
    with pytest.raises(StackError, match=r"(?s)kafka-1 ended with exit code 3.*kafka-1\.log.*out of luck"):
        Stack.up(StackOptions(), owner="tests")
    assert remains(own_home) == []


@pytest.mark.usefixtures("own_home")
@pytest.mark.long
def test_a_service_that_is_held_down_stays_down_until_it_is_let_go() -> None:
    """Its place in the state is empty meanwhile, and then it is started again, data and all."""
    stack = Stack.up(SMALL, owner="tests")
    try:
        before = stack.state.services["postgres"].pid
        with stack.held_down("postgres"):
            stack.signal("postgres", signal.SIGKILL)
            assert until(lambda: stack.state.services["postgres"].pid is None)
            time.sleep(1)
            assert stack.state.services["postgres"].pid is None
            assert "postgres does not run" in stack.missing()
        assert until(lambda: stack.state.services["postgres"].pid not in (None, before))
        assert until(lambda: _is_whole(stack))
        assert stack.state.services["postgres"].restarts == 1
        assert not any(stack.row_counts().values())
    finally:
        stack.down()


def _is_whole(stack: Stack) -> bool:
    try:
        return not stack.missing()
    except StackError:
        return False


@pytest.mark.usefixtures("own_home")
def test_a_stack_on_small_disks_leaves_no_file_system_behind() -> None:
    """Where one may be mounted, the data of its database is on one, which a file can fill up."""
    if why_not():
        pytest.skip(why_not())
    try:
        stack = Stack.up(StackOptions(kafka=False, disk_mb=192), owner="tests")
    except StackError as error:
        if "can be mounted" not in str(error):  # root without the right to, as in a container; all else is a fault
            raise
        pytest.skip(str(error))
    try:
        (place,) = map(Path, stack.state.mounts)
        assert place.is_mount()
        assert shutil.disk_usage(place).total == 192 << 20
    finally:
        stack.down()
    assert not place.exists()

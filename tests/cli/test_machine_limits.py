"""A machine that lets fewer users connect than were asked for, and several API processes on the command line."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.stack.stack import Stack

FILES = 1_000


def seawall(home: Path, *arguments: str, files: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run one verb with a home of its own and, where *files* is given, at most so many open files a process."""
    command = [sys.executable, "-P", "-m", "seawall.cli", *arguments]
    if files is not None:
        command = ["sh", "-c", f"ulimit -n {files}; exec {shlex.join(command)}"]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, "COLUMNS": "200", "SEAWALL_HOME": str(home)},
    )


@pytest.mark.parametrize("files", [FILES, None])
def test_compare_refuses_users_who_cannot_be_connected(tmp_path: Path, files: int | None) -> None:
    """Too few files, or fewer local ports than the largest number of users: code 2, what to do, nothing started."""
    users = "2000" if files else "50000"
    done = seawall(tmp_path, "compare", "--users", users, "--output", str(tmp_path / "out"), files=files)
    assert done.returncode == 2
    assert ("ulimit -n 2500" if files else "net.ipv4.ip_local_port_range") in done.stderr
    assert "use at most" in done.stderr
    assert not list(tmp_path.iterdir())


def test_doctor_says_how_many_can_be_connected(stack: Stack, tmp_path: Path) -> None:
    """A note where ten thousand cannot, with what to do about it; nothing is wrong for fewer."""
    few, many = seawall(tmp_path, "doctor", files=FILES), seawall(tmp_path, "doctor")
    assert (few.returncode, many.returncode) == (0, 0)
    assert "at most 500 users" in few.stdout
    assert "open files a process" in many.stdout


@pytest.mark.long
def test_two_api_processes_from_up_to_down(tmp_path: Path) -> None:
    """`up` starts them and names what few files mean, `status` shows both, `compare` refuses to take them for one."""
    up = seawall(tmp_path, "up", "--no-kafka", "--api-processes", "2", files=FILES)
    try:
        assert up.returncode == 0
        assert "at most 500 users" in up.stderr
        services = json.loads(seawall(tmp_path, "status", "--json").stdout)["services"]
        assert [name for name in services if name.startswith("api")] == ["api-1", "api-2"]
        other = seawall(tmp_path, "compare", "--paths", "sync", "--api-processes", "1", "--quick")
        assert other.returncode == 2
        assert "2 API processes" in other.stderr
    finally:
        assert seawall(tmp_path, "down").returncode == 0
    assert "API processes is 0" in seawall(tmp_path, "up", "--api-processes", "0").stderr

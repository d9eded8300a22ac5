"""No secret of a run in anything that it leaves or says."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil
import pytest

from seawall.stack.places import ROOT
from seawall.stack.stack import Stack


def secrets_in(state: dict[str, Any]) -> dict[str, str]:
    """Return the passwords and keys of a stack by what they are for."""
    environment = state["environment"]
    return {
        "database": urlsplit(environment["SEAWALL_DATABASE_URL"]).password or "",
        "cache": urlsplit(environment["SEAWALL_CACHE_URL"]).password or "",
        "kafka": environment["SEAWALL_KAFKA_SASL_PASSWORD"],
        "API": state["api_key"],
    }


def files(*places: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield all files below *places* with what they hold."""
    for place in places:
        for path in sorted(place.rglob("*")):
            if path.is_file():
                yield path, path.read_bytes()


@pytest.mark.long
def test_a_run_tells_none_of_its_secrets(stack: Stack, tmp_path: Path) -> None:
    """Logs of every server, results, reports, CSV files, the terminal, and the command lines meanwhile."""
    known = secrets_in(msgspec.to_builtins(stack.state))
    assert all(len(secret) > 20 for secret in known.values())
    running = subprocess.Popen(
        [
            *(ROOT / "bin" / "seawall", "compare", "--quick", "--clean", "--entities", "orders", "--counts", "20"),
            *("--parts", "data", "--paths", "kafka", "--output", tmp_path),
        ],
        env={**os.environ, "SEAWALL_DEBUG": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    commands: set[str] = set()
    try:
        while running.poll() is None:
            servers = psutil.Process(stack.state.supervisor_pid).children(recursive=True)
            for process in [*psutil.Process(running.pid).children(recursive=True), *servers]:
                with contextlib.suppress(psutil.Error):
                    commands.add(" ".join(process.cmdline()))
            time.sleep(0.2)
    finally:
        running.terminate()
    said, _ = running.communicate(timeout=60)
    left = dict(files(tmp_path, Path(stack.state.logs_dir)))
    assert tmp_path / "report.html" in left
    assert {"api", "kafka-1", "postgres", "valkey", "sink-1"} <= {path.stem for path in left if path.suffix == ".log"}
    places = [*left.items(), ("the terminal", said.encode())]
    places += [(f"a command line: {line}", line.encode()) for line in commands]
    found = [f"{name}: {place}" for name, secret in known.items() for place, text in places if secret.encode() in text]
    assert not found

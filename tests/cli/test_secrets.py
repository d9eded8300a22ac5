"""No secret of a run in anything that it leaves or says."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from seawall.stack.places import ROOT
from seawall.stack.state import is_alive


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


def test_a_full_run_tells_none_of_its_secrets(tmp_path: Path) -> None:
    """Logs of every server, results, reports, CSV files, the terminal, and the command lines while it runs."""
    home, out = tmp_path / "home", tmp_path / "out"
    running = subprocess.Popen(
        [
            *(ROOT / "bin" / "seawall", "compare", "--quick", "--entities", "orders", "--counts", "40"),
            *("--users", "20", "--duration", "1s", "--warmup", "500ms", "--output", out),
        ],
        env={**os.environ, "SEAWALL_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    known: dict[str, str] = {}
    commands: set[str] = set()
    try:
        while running.poll() is None:
            for process in psutil.Process(running.pid).children(recursive=True):
                try:
                    commands.add(" ".join(process.cmdline()))
                except psutil.Error:
                    continue
            if not known and (home / "stack.json").exists():
                state = json.loads((home / "stack.json").read_text())
                if state["phase"] == "up":
                    known = secrets_in(state)
            time.sleep(0.2)
    finally:
        running.terminate()
    said, _ = running.communicate(timeout=60)
    assert len(known) == 4
    assert all(len(secret) > 20 for secret in known.values())
    left = dict(files(out, home))
    assert (out / "report.html") in left
    assert len([path for path in left if path.suffix == ".log"]) >= 5, "the logs of the servers are not there"
    found = [
        f"{name}: {place}"
        for name, secret in known.items()
        for place, text in [
            *left.items(),
            ("the terminal", said.encode()),
            *((f"a command line: {line}", line.encode()) for line in commands),
        ]
        if secret.encode() in text
    ]
    assert not found
    assert not is_alive(state["supervisor_pid"], state["supervisor_started"])

"""HAProxy's configuration: it is valid, and a process behind it can go and come back without a failed request."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import msgspec
import pytest
from compose import COMPOSE
from new_records import new_record
from service_processes import eventually, free_port, running_api

from contract.entities import ENTITIES
from seawall.stack.stack import Stack

FILE = COMPOSE / "haproxy.cfg"
USERS = ENTITIES["users"]
PROGRAM = shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])) or ""
pytestmark = pytest.mark.skipif(not PROGRAM, reason="HAProxy is not installed (Debian: apt-get install haproxy)")


def checked(file: Path) -> tuple[int, str]:
    """Return exit code and words of HAProxy's own check."""
    done = subprocess.run([PROGRAM, "-c", "-f", file], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def for_this_machine(place: Path, **addresses: str) -> Path:
    """Return a copy of the configuration with other addresses in place of names and ports."""
    text = FILE.read_text(encoding="utf-8")
    for name, address in addresses.items():
        old = {"front": "bind :8000", "status": "bind :8405"}.get(name, f"{name.replace('_', '-')}:8000")
        assert old in text
        text = text.replace(old, f"bind {address}" if name in ("front", "status") else address)
    copy = place / "haproxy.cfg"
    copy.write_text(text, encoding="utf-8")
    return copy


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    """Without a warning, once the names of the servers lead somewhere; a broken one is not."""
    good = for_this_machine(tmp_path, api_1="127.0.0.1:8001", api_2="127.0.0.1:8002")
    code, said = checked(good)
    assert (code, "WARNING" in said) == (0, False), said
    good.write_text(good.read_text("utf-8").replace("balance leastconn", "balance leastcon"), "utf-8")
    code, said = checked(good)
    assert code == 1
    assert "leastcon" in said


@contextlib.contextmanager
def proxy(file: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run HAProxy."""
    with log.open("wb") as output:
        process = subprocess.Popen([PROGRAM, "-db", "-f", file], stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


class Clients:
    """Some clients that write a record after the other, each on a connection of its own."""

    def __init__(self, url: str) -> None:
        self.statuses: list[int] = []
        self.errors: list[str] = []
        self._url, self._over = url, threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(4)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End them, each after its answer; may be called again."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self) -> None:
        with httpx.Client(base_url=self._url, timeout=40) as client:
            while not self._over.wait(0.02):
                body = msgspec.json.encode(new_record(USERS))
                try:
                    answer = client.post("/v1/sync/users", content=body, headers={"content-type": "application/json"})
                except httpx.HTTPError as error:
                    self.errors.append(repr(error))
                else:
                    self.statuses.append(answer.status_code)


def served(status_url: str, server: str) -> float:
    """Return how many requests HAProxy says that *server* has answered well."""
    text = httpx.get(f"{status_url}/metrics", timeout=20).text
    found = re.search(
        rf'^haproxy_server_http_responses_total{{proxy="api",server="{server}",code="2xx"}} (\S+)', text, re.MULTILINE
    )
    return float(found[1]) if found else 0.0


@pytest.mark.long
def test_a_process_can_go_and_come_back_under_load(stack: Stack, tmp_path: Path) -> None:
    """HAProxy sees on /readyz that it goes, sends it nothing more, and finds it again: no request fails."""
    front, status = free_port(), free_port()
    status_url = f"http://127.0.0.1:{status}"
    changes = {"SEAWALL_API_DRAIN_DELAY_S": "5", "SEAWALL_API_READY_CACHE_S": "0.2"}
    with (
        running_api(stack.connections, tmp_path, **changes) as (one, _),
        running_api(stack.connections, tmp_path, **changes) as (other, process),
        proxy(
            for_this_machine(
                tmp_path,
                front=f"127.0.0.1:{front}",
                status=f"127.0.0.1:{status}",
                api_1=f"127.0.0.1:{one.base_url.port}",
                api_2=f"127.0.0.1:{other.base_url.port}",
            ),
            tmp_path / "haproxy.log",
        ),
    ):
        eventually(lambda: _answers(f"{status_url}/livez"))
        with Clients(f"http://127.0.0.1:{front}") as clients:
            eventually(lambda: served(status_url, "api-1") > 20 and served(status_url, "api-2") > 20, 240)
            process.terminate()
            assert process.wait(120) == 0
            before, gone = served(status_url, "api-1"), served(status_url, "api-2")
            eventually(lambda: served(status_url, "api-1") > before + 50, 240)
            assert served(status_url, "api-2") == gone
            with running_api(stack.connections, tmp_path, "api", other.base_url.port, **changes):
                eventually(lambda: served(status_url, "api-2") > gone + 20, 240)
                clients.stop()
        assert clients.errors == []
        assert set(clients.statuses) == {201}
    stack.fresh()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url).is_success
    return False

"""Locust's page: on loopback, or behind a login; and never at the service of another page in the same browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from service_processes import eventually

from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports

PASSWORD = "a password for tests"
LOCUST: list[str | Path] = [
    Path(sys.executable).with_name("locust"),
    *("-f", ROOT / "locustfiles" / "elsewhere.py", "--host", "http://127.0.0.1:1"),
]


@contextmanager
def running(directory: Path, *words: str, **settings: str) -> Iterator[httpx.Client]:
    """Run Locust with its page, and yield a client of it."""
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [*LOCUST, "--web-port", str(port), *words],
        cwd=directory,
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:

            def answers() -> bool:
                assert process.poll() is None
                try:
                    return client.get("/login").status_code in (200, 302)
                except httpx.TransportError:
                    return False

            eventually(answers, 30)
            places = [one.laddr.ip for one in psutil.Process(process.pid).net_connections() if one.laddr.port == port]
            client.headers["x-listens-on"] = places[0]
            yield client
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run Locust as one does without a thought, and return a client of its page."""
    with running(tmp_path_factory.mktemp("page")) as found:
        yield found


def run(directory: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run Locust to its end."""
    return subprocess.run(
        [*LOCUST, "--web-port", str(free_ports(1)[0]), *words],
        cwd=directory,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_more_it_is_on_loopback(client: httpx.Client) -> None:
    """Where Locust by itself would listen everywhere."""
    assert client.headers["x-listens-on"] == "127.0.0.1"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "*"])
def test_beyond_it_a_login_is_asked_for(tmp_path: Path, host: str) -> None:
    """Else it does not start, and says what to do."""
    done = run(tmp_path, "--web-host", host)
    assert done.returncode == 2
    assert "--web-login" in done.stderr
    assert "SEAWALL_WEB_PASSWORD" in done.stderr


def test_a_password_has_some_length(tmp_path: Path) -> None:
    """It is all that there is between the network and a load generator."""
    done = run(tmp_path, "--web-host", "0.0.0.0", "--web-login", SEAWALL_WEB_PASSWORD="short")
    assert done.returncode == 2
    assert "at least 12 characters" in done.stderr
    assert "short" not in done.stderr.replace("shorter", "")


def test_the_login_lets_in_who_knows_the_password(tmp_path: Path) -> None:
    """Everything else leads to it, a run cannot be started, and a wrong one opens nothing."""
    with running(tmp_path, "--web-host", "0.0.0.0", "--web-login", SEAWALL_WEB_PASSWORD=PASSWORD) as client:
        load = {"user_count": "1", "spawn_rate": "1", "host": "http://127.0.0.1:1"}
        for method, path in (("GET", "/"), ("GET", "/stats/requests"), ("POST", "/stop"), ("POST", "/swarm")):
            answer = client.request(method, path, data=load if method == "POST" else None)
            assert answer.status_code == 302, path
            assert "/login" in answer.headers["location"]
        for user, guess in (("seawall", "guessed"), ("admin", PASSWORD), ("", "")):
            client.post("/login-with-password", data={"username": user, "password": guess})
            assert client.get("/").status_code == 302
        answer = client.post("/login-with-password", data={"username": "seawall", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert client.get("/").status_code == 200
        assert client.get("/stats/requests").json()["state"] == "ready"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://example.org"},
        {"host": "example.org"},
        {"host": "127.0.0.1.example.org:8089"},
    ],
    ids=lambda headers: ", ".join(headers.values()),
)
def test_another_page_in_the_same_browser_can_do_nothing(client: httpx.Client, headers: dict[str, str]) -> None:
    """Neither by a form, nor by a picture, nor by a name that leads here."""
    load = {"user_count": "1", "spawn_rate": "1", "host": "http://127.0.0.1:1"}
    assert client.post("/swarm", data=load, headers=headers).status_code == 403
    assert client.post("/stop", headers=headers).status_code == 403
    assert client.get("/stats/reset", headers=headers).status_code == 403
    assert client.get("/stats/requests").json()["state"] == "ready"


def test_a_link_may_lead_to_it(client: httpx.Client) -> None:
    """To the page, not to what it does."""
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200
    assert client.get("/", headers={"host": "localhost:8089"}).status_code == 200

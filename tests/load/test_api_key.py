"""Which service hears of which key."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from contract.api_keys import new_key
from seawall.load.api_key import key_headers
from seawall.stack.stack import Stack

STREAMED: dict[str, str | None] = {}
"""The credentials of requests that are left to Locust's own client, by their paths."""
MINE = {"Authorization": "Bearer mine"}


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no `.env`
    STREAMED.clear()


def test_the_stacks_key_goes_to_its_api_alone(stack: Stack) -> None:
    """By the same origin, whatever the path; another port is another service."""
    url = stack.state.api_url
    assert key_headers(url) == stack.api_headers != {}
    assert key_headers(f"{url}/v1/") == stack.api_headers
    for other in ("http://127.0.0.1:1", "http://example.org", url.replace("http:", "https:")):
        assert key_headers(other) == {}


@pytest.mark.usefixtures("stack")
def test_a_key_that_is_given_goes_where_the_url_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """To any host where no address is given with it: that is then the one that the user names."""
    monkeypatch.setenv("SEAWALL_API_KEY", "mine")
    assert key_headers("https://one.example") == MINE
    monkeypatch.setenv("SEAWALL_API_URL", "https://two.example/base")
    assert key_headers("https://two.example:443") == MINE
    assert key_headers("http://two.example") == {}
    assert key_headers("https://three.example") == {}


@pytest.fixture
def service() -> Iterator[tuple[str, list[str | None]]]:
    """Run a service that notes the credentials of its requests, and sends half of them elsewhere."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path in ("/streamed", "/away"):
                self.server.streamed[self.path] = self.headers["Authorization"]  # type: ignore[attr-defined]
            else:
                seen.append(self.headers["Authorization"])
            elsewhere = self.path == "/elsewhere"
            self.send_response(307 if elsewhere else 200)
            if elsewhere:
                self.send_header("Location", f"http://localhost:{self.server.server_port}/there")  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.streamed = STREAMED  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


LOCUSTFILE = """
from locust import task
from seawall.load import ScheduledUser

class Mine(ScheduledUser):
    {body}

    @task
    def go(self):
        self.client.get("/plain")
        self.client.get("/elsewhere")
        self.client.get("/streamed", stream=True).content
        self.client.get(self.host.replace("127.0.0.1", "localhost") + "/away", stream=True).content
"""


@pytest.fixture
def locust(tmp_path: Path) -> Callable[..., None]:
    """Return what runs one user for a second."""

    def run(url: str, body: str = "pass", **settings: str) -> None:
        (tmp_path / "mine.py").write_text(LOCUSTFILE.format(body=body))
        subprocess.run(
            [
                *(Path(sys.executable).with_name("locust"), "-f", "mine.py", "--headless", "--no-verdict"),
                *("-u", "1", "-r", "1", "-t", "1s", "--user-rate", "2", "--host", url),
            ],
            cwd=tmp_path,
            env={**os.environ, **settings},
            check=True,
            capture_output=True,
            timeout=60,
        )

    return run


def test_users_send_it_and_drop_it_where_they_are_led_away(
    service: tuple[str, list[str | None]], locust: Callable[..., None]
) -> None:
    """`localhost` is not the host that the key was given for."""
    url, seen = service
    key = new_key()
    locust(url, SEAWALL_API_KEY=key)
    assert set(seen) == {f"Bearer {key}", None}
    assert seen[:3] == [f"Bearer {key}", f"Bearer {key}", None]
    assert {"/streamed": f"Bearer {key}", "/away": None} == STREAMED


def test_credentials_of_a_users_own_win(service: tuple[str, list[str | None]], locust: Callable[..., None]) -> None:
    """Those of the class, and those in the address."""
    url, seen = service
    locust(url, 'default_headers = {"Authorization": "Mine"}', SEAWALL_API_KEY="given")
    assert seen[0] == "Mine"
    seen.clear()
    locust(url.replace("http://", "http://me:secret@"), SEAWALL_API_KEY="given")
    assert (seen[0] or "").startswith("Basic ")
    assert {"/streamed": seen[0], "/away": None} == STREAMED


def test_without_a_key_nothing_is_sent(service: tuple[str, list[str | None]], locust: Callable[..., None]) -> None:
    """As to any service that asks for none."""
    url, seen = service
    locust(url)
    assert set(seen) == {None}

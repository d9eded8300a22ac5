"""A Prometheus that is gone, is none, or knows nothing of us: each is said in words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from seawall.observe.errors import PrometheusGone
from seawall.observe.moment import moment
from seawall.observe.remote import RemoteReader, prometheus_url


class _Says(HTTPServer):
    body = b""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer what the server is told to."""
        assert isinstance(self.server, _Says)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[_Says]:
    """Run something that answers as it is told."""
    found = _Says(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def _answer(*series: tuple[dict[str, str], float]) -> bytes:
    result = [{"metric": labels, "value": [0, str(value)]} for labels, value in series]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def _requests(count: float, instance: str) -> tuple[dict[str, str], float]:
    labels = {"__name__": "seawall_requests_total", "path": "sync", "entity": "users", "status": "2xx"}
    return {**labels, "instance": instance, "job": "seawall-api", "service": "api"}, count


def test_several_processes_are_added_up_and_one_that_goes_is_survived(server: _Says) -> None:
    """What was known stays on the screen, and the trouble is named."""
    reader = RemoteReader(f"http://127.0.0.1:{server.server_port}")
    server.body = _answer(_requests(10, "a"), _requests(20, "b"))
    before = reader.read()
    time.sleep(0.5)  # times are rounded to milliseconds
    server.body = _answer(_requests(40, "a"), _requests(50, "b"))
    after = reader.read()
    found = moment(before, after)
    assert found.writes["sync"].per_s * found.seconds == pytest.approx(60, rel=0.01)
    assert found.rows is None
    assert found.lag is None
    assert found.troubles == []
    server.body = b"<html>"
    gone = moment(after, reader.read())
    assert gone.writes["sync"].per_s == 0
    assert "is no Prometheus" in gone.troubles[0]


def test_metrics_that_have_disappeared_are_named(server: _Says) -> None:
    """A Prometheus that no longer reads the API has nothing to show of it."""
    server.body = _answer()
    (said,) = RemoteReader(f"http://127.0.0.1:{server.server_port}").read().troubles
    assert "knows no seawall_requests_total" in said


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 1}', b"\xff"])
def test_what_is_no_prometheus_is_refused(server: _Says, body: bytes) -> None:
    """Whatever it says."""
    server.body = body
    with pytest.raises(PrometheusGone, match="is no Prometheus"):
        RemoteReader(f"http://127.0.0.1:{server.server_port}").read()


def test_nobody_there_and_no_address_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both name the variable."""
    with pytest.raises(PrometheusGone, match=r"SEAWALL_PROMETHEUS_URL: http://127\.0\.0\.1:1 does not answer"):
        RemoteReader("http://127.0.0.1:1").read()
    monkeypatch.setenv("SEAWALL_PROMETHEUS_URL", "localhost:9090")
    with pytest.raises(PrometheusGone, match="should look like"):
        prometheus_url()
    monkeypatch.delenv("SEAWALL_PROMETHEUS_URL")
    assert prometheus_url() is None

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


def test_processors_memory_and_disks_are_those_of_pods_and_volumes_where_they_are_known(server: _Says) -> None:
    """Containers of one pod are added up; our own processes and the hosts' disks stand in where there are none."""
    reader = RemoteReader(f"http://127.0.0.1:{server.server_port}")
    pod = {"namespace": "seawall", "pod": "api-1"}
    volume = {"persistentvolumeclaim": "data-kafka-0"}
    process = {"job": "seawall-api", "service": "api-1"}
    disk = {"instance": "host:9100", "mountpoint": "/"}

    def series(cpu_s: float, *, pods: bool) -> bytes:
        own = [
            ({"__name__": "process_cpu_seconds_total", **process}, cpu_s),
            ({"__name__": "process_resident_memory_bytes", **process}, 7e7),
            ({"__name__": "node_filesystem_avail_bytes", **disk}, 2e9),
            ({"__name__": "node_filesystem_size_bytes", **disk}, 8e9),
        ]
        cluster = [
            ({"__name__": "container_cpu_usage_seconds_total", "container": "api", **pod}, cpu_s),
            ({"__name__": "container_cpu_usage_seconds_total", "container": "proxy", **pod}, cpu_s),
            ({"__name__": "container_memory_working_set_bytes", "container": "api", **pod}, 1e8),
            ({"__name__": "kubelet_volume_stats_available_bytes", **volume}, 3e9),
            ({"__name__": "kubelet_volume_stats_capacity_bytes", **volume}, 4e9),
        ]
        return _answer(_requests(1, "a"), *own, *(cluster if pods else []))

    for pods, who, where, memory, share in (
        (True, "api-1", "data-kafka-0", 100_000_000, 0.75),
        (False, "api-1", "host:9100/", 70_000_000, 0.25),
    ):
        server.body = series(10.0, pods=pods)
        before = reader.read()
        time.sleep(0.2)
        server.body = series(10.1, pods=pods)
        found = moment(before, reader.read())
        assert list(found.work) == [who]
        assert found.work[who].memory_bytes == memory
        used_s = (found.work[who].cores or 0.0) * found.seconds
        assert used_s == pytest.approx(0.2 if pods else 0.1, rel=0.02)
        ((place, room),) = found.disks.items()
        assert (place, room.free_bytes / room.size_bytes) == (where, share)
        server.body = series(0.5, pods=pods)  # it was started again
        assert moment(before, reader.read()).work[who].cores is None


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
    monkeypatch.setenv("SEAWALL_PROMETHEUS_NAMESPACE", 'x"} or vector(1)')
    with pytest.raises(PrometheusGone, match="the name of a namespace"):
        RemoteReader("http://127.0.0.1:1")
    monkeypatch.delenv("SEAWALL_PROMETHEUS_URL")
    assert prometheus_url() is None

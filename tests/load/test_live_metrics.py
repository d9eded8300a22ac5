"""Locust's runs, as Prometheus reads them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import metrics_page
import psutil
import pytest
from scrapes import scrape
from service_processes import eventually

from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack

LOCUST = [str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "locustfiles" / "ingest.py"), "Writes"]
LOAD = ["--headless", "--no-verdict", "-u", "5", "-r", "5", "-t", "60s", "--user-rate", "10"]


@contextmanager
def locust(cwd: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run Locust until the block ends, and yield its process and its log."""
    log = cwd / f"locust-{len(list(cwd.iterdir()))}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*LOCUST, *arguments], cwd=cwd, stdout=output, stderr=output, env=os.environ)
    try:
        yield process, log
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) is not None


def metrics_of(log: Path) -> str:
    """Return where they are, once the log says so."""
    eventually(lambda: "metrics: http://" in log.read_text(), 60)
    found = re.search(r"metrics: (http\S+)", log.read_text())
    assert found
    return found[1]


@pytest.mark.long
def test_a_run_shows_its_requests_users_and_lag_while_it_goes_on(stack: Stack, tmp_path: Path) -> None:
    """All that docs/metrics.md lists; the process that shows them ends with Locust."""
    with locust(tmp_path, *LOAD, "--metrics-port", "0") as (process, log):
        url = metrics_of(log)
        (shower,) = [
            child
            for child in psutil.Process(process.pid).children()
            if "seawall.load.metrics_process" in child.cmdline()
        ]
        eventually(lambda: sum(count for name, count in scrape(url).items() if "load_requests_total" in name) > 20)
        metrics_page.check(url, "Load")
        found = scrape(url)
        assert found["seawall_load_users{}"] == found["seawall_load_users_wanted{}"] == 5
        assert found["seawall_load_running{}"] == 1
        requests = {name: count for name, count in found.items() if name.startswith("seawall_load_requests_total{")}
        timed = {
            name: count for name, count in found.items() if name.startswith("seawall_load_response_seconds_count{")
        }
        assert sum(timed.values()) == sum(requests.values())
        assert not any(count for name, count in found.items() if name.startswith("seawall_load_failures_total{"))
        eventually(lambda: scrape(url)["seawall_load_start_lag_seconds{0.99}"] > 0)
    assert not shower.is_running()
    with pytest.raises(httpx.TransportError):
        httpx.get(url)


@pytest.mark.long
def test_a_master_shows_the_requests_of_its_workers(stack: Stack, tmp_path: Path) -> None:
    """And how many workers there are."""
    (port,) = free_ports(1)
    bound = ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)]
    worker = ["--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]
    with (
        locust(tmp_path, *LOAD, "--master", "--expect-workers", "2", *bound, "--metrics-port", "0") as (_, log),
        locust(tmp_path, *worker),
        locust(tmp_path, *worker),
    ):
        url = metrics_of(log)
        eventually(lambda: sum(count for name, count in scrape(url).items() if "load_requests_total" in name) > 20, 60)
        found = scrape(url)
        assert found["seawall_load_workers{running}"] + found["seawall_load_workers{spawning}"] == 2
        assert found["seawall_load_users{}"] == 5


@pytest.mark.long
def test_a_process_that_shows_metrics_and_dies_ends_no_run(stack: Stack, tmp_path: Path) -> None:
    """The log says that they are gone; the load goes on."""
    with locust(tmp_path, *LOAD, "--metrics-port", "0") as (process, log):
        metrics_of(log)
        (shower,) = [
            child
            for child in psutil.Process(process.pid).children()
            if "seawall.load.metrics_process" in child.cmdline()
        ]
        shower.kill()
        eventually(lambda: "the run goes on without them" in log.read_text(), 30)
        assert process.poll() is None


@pytest.mark.long
@pytest.mark.parametrize(
    ("port", "said"),
    [
        pytest.param("many", "--metrics-port must be a number up to 65535, and 'many' is none", id="no number"),
        pytest.param("taken", "the metrics of this run cannot be shown", id="a port that is taken"),
    ],
)
def test_a_port_that_cannot_be_had_is_refused_before_the_run(
    stack: Stack, tmp_path: Path, port: str, said: str
) -> None:
    """Exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = str(taken.getsockname()[1]) if port == "taken" else port
        done = subprocess.run(
            [*LOCUST, *LOAD, "--metrics-port", asked],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr

"""The exporter: what the servers of a stack do not show by themselves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import metrics_page
import pytest
from scrapes import scrape
from service_processes import eventually, free_port, running

from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

REFERENCE = ROOT / "results" / "reference" / "20261121-audited-default"


@pytest.fixture
def url(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """Run one beside the stack, with the result of one run and a file that is none."""
    for name in ("run", "other"):
        (tmp_path / "results" / name).mkdir(parents=True)
    shutil.copy(REFERENCE / "result.json", tmp_path / "results" / "run")
    (tmp_path / "results" / "other" / "result.json").write_text("{}")
    port = free_port()
    environment = {
        **os.environ,
        "SEAWALL_EXPORTER_PORT": str(port),
        "SEAWALL_EXPORTER_RESULTS": str(tmp_path / "results"),
    }
    place = f"http://127.0.0.1:{port}/metrics"
    with running("seawall.observe.exporter", environment, tmp_path / "exporter.log") as process:

        def answers() -> bool:
            assert process.poll() is None, (tmp_path / "exporter.log").read_text()
            try:
                return httpx.get(place, timeout=20).is_success
            except httpx.TransportError:
                return False

        eventually(answers)
        yield place
    assert process.returncode == 0


def test_it_shows_servers_processes_and_the_last_run(url: str) -> None:
    """All that docs/metrics.md lists, and figures that can be."""
    metrics_page.check(url, "Exporter")
    found = scrape(url)
    assert found["seawall_stack_process_up{api}"] == found["seawall_stack_process_up{sink-1}"] == 1
    assert found["seawall_stack_reachable{postgres}"] == found["seawall_stack_reachable{valkey}"] == 1
    assert found["seawall_database_transactions_total{}"] > 0
    assert found["seawall_database_connections{all}"] > 0
    assert found["seawall_valkey_clients{}"] > 0
    assert found["seawall_stack_lag_records{}"] >= 0
    assert found["seawall_stack_memory_bytes{postgres}"] > 0
    assert found["seawall_run_lost_records{compare,kafka}"] == 0
    assert found["seawall_run_verdict{PASS,compare,kafka}"] == 1
    assert found["seawall_run_figure{compare,kafka,visible p95, ms}"] > 0

"""`locust -f locustfiles/ingest.py`, as a user runs it, against a running stack."""

from __future__ import annotations

import csv
import subprocess
import time
import urllib.request
from functools import partial
from pathlib import Path

import pytest
from locust_runs import command, run_locust

from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack

locust = partial(run_locust, "ingest.py")


def totals(path: Path) -> dict[str, dict[str, str]]:
    """Return Locust's statistics by name."""
    with path.open() as file:
        return {line["Name"]: line for line in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        pytest.param("Writes --path sync", True, marks=pytest.mark.long),
        pytest.param("Writes --path grouped", True, marks=pytest.mark.long),
        ("Writes", True),
        ("Mixed", True),
        ("Lookups", False),
    ],
)
def test_each_user_class_works_with_nothing_else_to_set(
    stack: Stack, tmp_path: Path, name: str, *, written: bool
) -> None:
    """Headless with CSV files: no failure, and rows exactly where the class writes."""
    stack.fresh()
    done = locust(
        *name.split(),
        "--headless",
        "--no-verdict",
        "-u",
        "10",
        "-r",
        "10",
        "-t",
        "3s",
        "--user-rate",
        "5",
        "--csv",
        "out",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    total = totals(tmp_path / "out_stats.csv")["Aggregated"]
    assert int(total["Request Count"]) > 30
    assert int(total["Failure Count"]) == 0
    assert (sum(stack.row_counts().values()) > 0) is written


@pytest.mark.long
def test_master_and_workers_share_the_load_without_sharing_ids(stack: Stack, tmp_path: Path) -> None:
    """Two worker processes: no request fails, and as many rows as requests."""
    stack.fresh()
    port = str(free_ports(1)[0])
    done = locust(
        "Writes", "--path", "grouped", "--headless", "--no-verdict", "--processes", "2", "-u", "20", "-r", "20",
        "-t", "3s", "--user-rate", "5", "--csv", "out", "--master-bind-port", port, "--master-port", port, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    total = totals(tmp_path / "out_stats.csv")["Aggregated"]
    assert int(total["Failure Count"]) == 0
    rows = sum(stack.row_counts().values())
    assert rows >= int(total["Request Count"]) > 100


def test_the_web_page_comes_up(stack: Stack, tmp_path: Path) -> None:
    """Plain `locust -f` serves its page, with the service's address filled in."""
    port = free_ports(1)[0]
    running = subprocess.Popen(
        command("ingest.py", "--web-host", "127.0.0.1", "--web-port", str(port)),
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    page = answer.read().decode()
                break
            except OSError:
                time.sleep(0.1)
        assert stack.state.api_url in page
        assert "user_rate" in page
    finally:
        running.terminate()
        running.wait(timeout=20)


def test_a_service_that_runs_elsewhere_is_found_by_its_variable(stack: Stack, tmp_path: Path) -> None:
    """SEAWALL_API_URL and its key are enough where no stack is up, and in a `.env` too."""
    (tmp_path / ".env").write_text(f"SEAWALL_API_URL={stack.state.api_url}\nSEAWALL_API_KEY={stack.state.api_key}\n")
    home = str(tmp_path / "none")
    done = locust(
        "Lookups", "--headless", "--no-verdict", "-u", "2", "-t", "2s", "--csv", "out", cwd=tmp_path, SEAWALL_HOME=home
    )
    assert done.returncode == 0, done.stderr
    assert int(totals(tmp_path / "out_stats.csv")["Aggregated"]["Failure Count"]) == 0


def test_without_a_stack_it_says_what_to_do(tmp_path: Path) -> None:
    """No stack, no host: one line that names both ways out, and no traceback."""
    done = locust("Writes", "--headless", "-u", "1", "-t", "1s", cwd=tmp_path, SEAWALL_HOME=str(tmp_path / "none"))
    assert "start one with `bin/seawall up`, or give --host" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("flags", [(), ("--processes", "2")])
def test_more_users_than_can_be_connected_are_refused(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """At once and with what to do; workers that were forked already do not wait for their master."""
    began = time.monotonic()
    done = locust("Lookups", "--headless", "--host", "http://127.0.0.1:1", "-u", "90000", *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert "ip_local_port_range" in done.stderr
    assert "use at most" in done.stderr
    assert time.monotonic() - began < 30
    assert not list(tmp_path.iterdir())

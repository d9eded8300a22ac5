"""`locust -f locustfiles/feed.py`, as a user runs it, against a feed of the running stack's records."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from locust_runs import run_locust
from service_processes import _environment, eventually, free_port, running

from contract.api_keys import Scope, line_of, new_key
from seawall.load.feed.acceptance import Acceptances
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack

locust = partial(run_locust, "feed.py", within_s=150)
STAGES = ("PROPAGATE", "DELIVER", "DUE TO ARRIVED")


@pytest.fixture(scope="module")
def feed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Give the options that name a feed which is ready."""
    directory, port, key = tmp_path_factory.mktemp("feed"), free_port(), new_key()
    keys, url = directory / "keys", f"http://127.0.0.1:{port}"
    keys.write_text(line_of("reader", [Scope.READ], key) + "\n")
    changes = {
        "SEAWALL_FEED_PORT": str(port), "SEAWALL_FEED_METRICS_PORT": str(free_port()),
        "SEAWALL_API_KEYS_FILE": str(keys), "SEAWALL_API_WITHOUT_KEYS": None,
    }  # fmt: skip
    with running("workers.feed", _environment(stack.connections, changes), directory / "feed.log"):

        def is_ready() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"{url}/readyz", timeout=20).is_success
            return False

        eventually(is_ready, 60.0)
        yield ["--feed-url", url, "--feed-key", key]


def entries(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Return Locust's statistics by kind and name."""
    with path.open() as file:
        return {(line["Type"], line["Name"]): line for line in csv.DictReader(file)}


def check(found: dict[tuple[str, str], dict[str, str]]) -> None:
    """Both kinds of streams were let in, and each stage of the way has an entry of its own."""
    for protocol in ("websocket", "sse"):
        subscribed = found["SUBSCRIBE", f"/v1/feed ({protocol})"]
        assert int(subscribed["Request Count"]) > 0
        assert int(subscribed["Failure Count"]) == 0
    for kind in STAGES:
        assert int(found[kind, "/v1/feed (websocket)"]["Request Count"]) > 0, kind


@pytest.mark.timeout(200)
def test_connecting_propagation_and_delivery_are_entries_of_their_own(
    stack: Stack, feed: list[str], tmp_path: Path
) -> None:
    """Headless with CSV files; what was written is audited as with any other file."""
    stack.fresh()
    done = locust(
        "--headless", "-u", "26", "-r", "26", "-t", "4s", "--user-rate", "20", "--csv", "out", *feed, cwd=tmp_path
    )
    assert done.returncode in (0, 1, 3, 4), done.stderr  # on a busy machine it may be late
    check(entries(tmp_path / "out_stats.csv"))
    (trial,) = json.loads((tmp_path / "out_result.json").read_text())["trials"]
    assert trial["audit"]["acknowledged"] == trial["audit"]["stored"] > 0
    assert trial["audit"].get("lost", 0) == 0


@pytest.mark.long
@pytest.mark.timeout(200)
def test_master_and_workers_have_the_same_entries(stack: Stack, feed: list[str], tmp_path: Path) -> None:
    """Each worker times the records that it wrote itself."""
    stack.fresh()
    port = str(free_ports(1)[0])
    done = locust(
        "--headless", "--no-verdict", "--processes", "2", "-u", "50", "-r", "50", "-t", "5s", "--user-rate", "20",
        "--csv", "out", "--master-bind-port", port, "--master-port", port, *feed, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    check(entries(tmp_path / "out_stats.csv"))


def test_without_a_feed_it_says_what_to_do(tmp_path: Path) -> None:
    """One line that names both ways out, and code 2."""
    done = locust(
        "--headless", "-u", "3", "-t", "1s", "--host", "http://127.0.0.1:1", cwd=tmp_path,
        SEAWALL_HOME=str(tmp_path / "none"),
    )  # fmt: skip
    assert done.returncode == 2
    assert "bin/seawall up --feed log" in done.stderr


def test_only_the_last_records_are_remembered() -> None:
    """With when they were due and accepted."""
    times = Acceptances(most=2)
    for number in range(3):
        times.note(UUID(int=number), number, 10 + number)
    assert times.of(UUID(int=0)) is None
    assert times.of(UUID(int=2)) == (2, 12)

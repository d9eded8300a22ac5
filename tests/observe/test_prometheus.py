"""A real Prometheus beside a real stack: every query of every dashboard and rule, with a little load."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from new_records import new_record
from scrapes import scrape
from service_processes import eventually

from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.experiments.load_process import LoadProcess
from seawall.load.trial import Progress, TrialLoad
from seawall.observe.panels import DASHBOARDS, EVERY
from seawall.stack.options import StackOptions
from seawall.stack.places import ROOT
from seawall.stack.prometheus import RULES, targets_directory
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
QUIET = {"absent(seawall_requests_total)"}
"""What shall give nothing while all is well, as it asks for what is not there."""
REFERENCE = ROOT / "results" / "reference"


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a stack with Prometheus, started where two runs have left their results."""
    place = tmp_path_factory.mktemp("observed")
    for name in ("20261121-audited-default", "20261128-capacity-kafka"):
        (place / "results" / name).mkdir(parents=True)
        shutil.copy(REFERENCE / name / "result.json", place / "results" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(place / "home"))
        patch.chdir(place)
        running = Stack.up(StackOptions(observe=True), owner="tests")
        yield running
        running.down()


@pytest.fixture(scope="module")
def load(observed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """Send writes by every path and reads of every kind, by hand and by Locust."""
    over = threading.Event()
    state = observed.state

    def send() -> None:
        with httpx.Client(base_url=state.api_url, headers=observed.api_headers, timeout=60) as client:
            while not over.is_set():
                for path in ("sync", "grouped", "kafka"):
                    client.post(f"/v1/{path}/users", json=msgspec.to_builtins(new_record(USERS)))
                user = f"/v1/users/{base_id(1, USERS.number)}"
                client.get(user)
                client.get(user, headers={"cache-control": "no-cache"})
                client.get(f"{user}/recommendations")
                client.get("/v1/analytics/top-products")
                over.wait(0.05)

    thread = threading.Thread(target=send)
    thread.start()
    arguments = ["Mixed", "--headless", "-u", "10", "-r", "10", "-t", "15m", "--user-rate", "5", "--no-verdict"]
    locust = [str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "locustfiles" / "ingest.py")]
    with subprocess.Popen([*locust, *arguments], cwd=tmp_path_factory.mktemp("load"), env=os.environ) as process:
        yield process
        process.send_signal(signal.SIGINT)
        process.wait(60)
    over.set()
    thread.join()


def asked(stack: Stack, query: str) -> list[dict[str, Any]]:
    """Return what Prometheus answers now."""
    answer = httpx.get(
        f"{stack.state.services['prometheus'].address}/api/v1/query", params={"query": query}, timeout=30
    ).json()
    assert answer["status"] == "success", f"{query}: {answer}"
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def panel_queries() -> list[str]:
    """Return all of them, with a window in place of Grafana's."""
    return [
        query.expression.replace(EVERY, "20s")
        for dashboard in DASHBOARDS
        for panel in dashboard.panels
        for query in panel.queries
    ]


def rule_queries() -> list[str]:
    """Return those of the rules."""
    text = RULES.read_text(encoding="utf-8")
    found = re.findall(r"expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)", text)
    whole = [" ".join((block or line).split()) for block, line in found]
    return [query for query in whole if query not in QUIET]


@pytest.mark.long
@needs_prometheus
def test_prometheus_finds_every_process_of_the_stack(observed: Stack, load: subprocess.Popen[bytes]) -> None:
    """API, sink, exporter, and Locust while it runs; the rules are those of the repository."""
    jobs = {f"seawall-{kind}" for kind in ("api", "sink", "broker", "exporter", "load")}
    eventually(lambda: {one["metric"]["job"] for one in asked(observed, "up == 1")} == jobs, 60)
    rules = httpx.get(f"{observed.state.services['prometheus'].address}/api/v1/rules", timeout=30).json()
    assert sum(len(group["rules"]) for group in rules["data"]["groups"]) > 20


@pytest.mark.long
@needs_prometheus
def test_the_load_of_an_experiment_is_shown_while_there_is_an_experiment(observed: Stack, tmp_path: Path) -> None:
    """Its requests, users and start lag, trial by trial, under names of which there are few; then it is gone."""
    there = loads_of(observed)

    def shown() -> set[Path]:
        return loads_of(observed) - there

    def run(load: LoadProcess, name: str) -> dict[str, float]:
        """Return the figures of the load in the last seconds of a trial."""
        found: dict[str, float] = {}
        (place,) = shown()
        instance = json.loads(place.read_text())[0]["targets"][0]

        def look(_: Progress) -> None:
            own = asked(observed, f'{{__name__=~"seawall_load_.*", instance="{instance}"}}')
            found.update({_name(one["metric"]): float(one["value"][1]) for one in own})
            assert all(one["metric"]["job"] == "seawall-load" for one in own)

        asks = {"path": "sync", "entity": "users", "users": 10, "seed": 1, "rate_per_s": 5.0, "duration_s": 12.0}
        done = load.run(TrialLoad(name=name, directory=str(tmp_path), **asks), look)  # type: ignore[arg-type]
        assert found["seawall_load_requests_total POST /v1/sync/users"] <= done.sent == 600
        return found

    with LoadProcess(observed.state.api_url, tmp_path / "load.log") as load:
        eventually(shown, 30)
        for name in ("first", "second"):
            found = run(load, name)
            assert found["seawall_load_requests_total POST /v1/sync/users"] > 50
            assert found["seawall_load_failures_total POST /v1/sync/users"] == 0
            assert (found["seawall_load_users"], found["seawall_load_running"]) == (10, 1)
            assert found["seawall_load_start_lag_seconds 0.99"] > 0
    assert not shown()
    observed.fresh()


@pytest.mark.long
@pytest.mark.timeout(400)
@needs_prometheus
@pytest.mark.parametrize(
    ("arguments", "figures"),
    [
        pytest.param(
            "k6 ingest --clean --path sync --rate 40 --users 10 --duration 60s",
            ["seawall_load_requests_total{,writes}", "seawall_load_users_wanted{}"],
            id="k6",
        ),
        pytest.param(
            "stream analytics --clean --rate 50 --duration 60s",
            ["seawall_load_requests_total{PRODUCE,seawall.orders}"],
            id="orders straight to the log",
        ),
    ],
)
def test_a_load_that_is_not_of_locusts_users_is_shown_too(
    observed: Stack, tmp_path: Path, arguments: str, figures: list[str]
) -> None:
    """While it goes on, where Prometheus looks for it; when it is over it is gone."""
    there = loads_of(observed)
    command = [sys.executable, "-P", "-m", "seawall.cli", *arguments.split(), "--output", str(tmp_path / "run")]
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as process,
    ):

        def told() -> bool:
            assert process.poll() is None, (tmp_path / "said").read_text()
            found: dict[str, float] = {}
            for one in loads_of(observed) - there:
                with contextlib.suppress(httpx.TransportError, OSError, ValueError):
                    found |= scrape(f"http://{json.loads(one.read_text())[0]['targets'][0]}/metrics")
            return all(found.get(figure, 0.0) > 0 for figure in figures)

        try:
            eventually(told, 240)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    assert loads_of(observed) == there
    observed.fresh()


def loads_of(stack: Stack) -> set[Path]:
    """Return the files that name the loads that are shown."""
    return set(targets_directory(Path(stack.state.data_dir)).glob("load-*.json"))


def _name(labels: dict[str, str]) -> str:
    """Return the name of a series with what tells it from others of the same process."""
    told = [labels[one] for one in ("method", "name", "quantile", "state", "outcome", "le") if one in labels]
    return " ".join([labels["__name__"], *told])


@pytest.mark.long
@needs_prometheus
def test_every_query_of_every_dashboard_gives_data(observed: Stack, load: subprocess.Popen[bytes]) -> None:
    """Figures, and not only names: no panel is empty while there is a little load."""
    empty: list[str] = []

    def all_have() -> bool:
        empty[:] = [query for query in panel_queries() if not asked(observed, query)]
        return not empty

    try:
        eventually(all_have, 60)
    except AssertionError:
        raise AssertionError(f"no data: {json.dumps(empty, indent=1)}") from None


@pytest.mark.long
@needs_prometheus
def test_every_rule_looks_at_something_that_is_there(observed: Stack, load: subprocess.Popen[bytes]) -> None:
    """Whatever its limit is: an alert on a metric that is gone would never fire."""
    empty: list[str] = []

    def all_have() -> bool:
        empty[:] = [
            f"{part}  (of {query})"
            for query in rule_queries()
            for part in re.findall(r"(?:seawall|kafka)_\w+(?:\{[^}]*\})?|up\{[^}]*\}", query)
            if not asked(observed, part)
        ]
        return not empty

    try:
        eventually(all_have, 60)
    except AssertionError:
        raise AssertionError(f"no data: {json.dumps(empty, indent=1)}") from None
    for query in rule_queries():
        asked(observed, query)


@pytest.mark.long
@needs_prometheus
def test_a_prometheus_that_is_gone_disturbs_nobody_and_comes_back(observed: Stack) -> None:
    """It is started again; the stack, and `watch`, go on without it."""
    prometheus = observed.state.services["prometheus"]
    observed.signal("prometheus", signal.SIGKILL)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "watch", "--once", "--json", "--interval", "0.2"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert httpx.get(f"{observed.state.api_url}/readyz", timeout=30).is_success
    eventually(lambda: observed.state.services["prometheus"].pid not in (None, prometheus.pid), 60)

    def answers() -> bool:
        try:
            return bool(asked(observed, "up"))
        except httpx.TransportError:
            return False

    eventually(answers, 60)


@pytest.mark.long
@needs_prometheus
def test_it_ends_with_the_stack_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its process nor its data."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with_it = Stack.up(StackOptions(observe=True, kafka=False), owner="tests")
    state = with_it.state
    with_it.down()
    assert state.services["prometheus"].pid is not None
    assert not Path(f"/proc/{state.services['prometheus'].pid}").exists()
    assert not Path(state.data_dir).exists()


@pytest.mark.long
@needs_prometheus
def test_watch_shows_a_stack_elsewhere_as_its_prometheus_knows_it(
    observed: Stack, load: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """Rates, lag, caches and processors; there need be no stack here."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "watch", "--once", "--json", "--interval", "8"],
        capture_output=True, text=True, timeout=60, check=False,
        env={
            **os.environ,
            "SEAWALL_HOME": str(tmp_path),
            "SEAWALL_PROMETHEUS_URL": observed.state.services["prometheus"].address,
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["writes"]["kafka"]["per_s"] > 0
    assert found["rows"]["per_s"] > 0
    assert found["lag"] is not None
    assert found["cache"]["memory_entries"] > 0
    assert found["work"].keys() >= {"api", "sink-1", "kafka-1"}
    assert all(found["work"][name]["cores"] > 0 for name in ("api", "sink-1"))
    assert all(one["memory_bytes"] > 1e7 for one in found["work"].values())
    assert found["troubles"] == []

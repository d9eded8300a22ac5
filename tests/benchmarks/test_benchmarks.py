"""The benchmarks in their quick form: that they measure what they say, not how fast anything is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.__main__ import catalogue
from seawall.stack.places import ROOT

QUICK = ("coverage", "recording", "latency", "freeze", "peers", "report_page", "startup", "generator")


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start `bin/seawall bench` with *arguments*."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "seawall.cli", "bench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def results() -> Iterator[dict[str, dict[str, Any]]]:
    """Run all quick forms at once: nobody looks at their figures, so they may disturb each other."""
    running = {name: start(name, "--quick", "--json") for name in QUICK}
    try:
        found = {}
        for name, process in running.items():
            out, complaints = process.communicate(timeout=90)
            assert process.returncode in (0, 1), f"{name}: {complaints}"
            found[name] = {**json.loads(out), "code": process.returncode}
        yield found
    finally:
        for process in running.values():
            process.kill()


def names_of(result: dict[str, Any]) -> list[str]:
    """Return the names of a result's figures."""
    return [figure["name"] for figure in result["figures"]]


@pytest.mark.long
@pytest.mark.parametrize("name", QUICK)
def test_a_result_says_what_was_asked_and_where(results: dict[str, dict[str, Any]], name: str) -> None:
    """The exit code follows from the figures of which something was asked, and the machine stands beside them."""
    result = results[name]
    judged = [figure["reached"] for figure in result["figures"] if figure["reached"] is not None]
    assert judged
    assert result["reached"] == all(judged) == (result["code"] == 0)
    assert all(figure["asked"] for figure in result["figures"] if figure["reached"] is not None)
    assert result["benchmark"] == name
    assert result["quick"]
    assert result["environment"]["cores"] >= 1


@pytest.mark.long
@pytest.mark.timeout(200)
def test_overload_offers_twice_what_is_carried() -> None:
    """And says of each path what was served, refused and lost; how much it was is another question."""
    with start("overload", "--quick", "--json") as process:
        out, complaints = process.communicate(timeout=180)
    assert process.returncode in (0, 1), complaints
    figures = {figure["name"]: figure for figure in json.loads(out)["figures"]}
    carried = figures["sync: highest load that is carried"]["measured"]
    offered = re.search(r"of ([\d,]+)/s offered", figures["sync: served in time of twice that"]["error"])
    assert offered is not None
    assert 1.6 < float(offered[1].replace(",", "")) / carried < 2.1
    assert figures["sync: acknowledged and lost"]["measured"] == 0
    assert figures["sync: memory of the API at most"]["beside"] > 0


@pytest.mark.long
@pytest.mark.timeout(400)
def test_scenarios_are_held_against_what_they_are_to_reach() -> None:
    """Each runs on real servers, and what it made is right; how quick it was is another question."""
    with start("scenarios", "--quick", "--json") as process:
        out, complaints = process.communicate(timeout=380)
    assert process.returncode in (0, 1), complaints
    figures = {figure["name"]: figure for figure in json.loads(out)["figures"]}
    assert figures["fan-out by the log to 8 groups: wrong, lost, doubled or pending"]["measured"] == 0
    assert figures["analytics: published windows that are not the table's"]["measured"] == 0
    live = figures["live by the log for 50 subscribers: deliveries missing, doubled, out of order or strayed"]
    assert live["measured"] == 0
    assert live["reached"]
    assert any(name.endswith("due to arrived, p95") for name in figures)


@pytest.mark.long
def test_latency_compares_the_same_requests_on_both_sides(results: dict[str, dict[str, Any]]) -> None:
    """Three quantiles of each kind of arrival stand beside the server's, and the parts of the error are named."""
    result = results["latency"]
    assert names_of(result) == [
        f"{kind}: {share}" for kind in ("uniform", "poisson") for share in ("p50", "p95", "p99")
    ]
    # The server's times are drawn: 20 ms is their median, and no machine makes them shorter.
    assert all(figure["beside"] > 15 for figure in result["figures"])
    sent = re.search(r"uniform: (\d+) requests", " ".join(result["notes"]))
    assert sent is not None
    assert 200 < int(sent[1]) < 400  # each of 200 users once or twice
    assert sum("from due to sent" in note for note in result["notes"]) == 2


@pytest.mark.long
def test_freeze_shows_open_what_closed_hides(results: dict[str, dict[str, Any]]) -> None:
    """The open loop's p99 is most of the freeze, and stands beside log, replay, arithmetic and a closed loop."""
    logged, replayed, reckoned, closed = results["freeze"]["figures"]
    assert logged["measured"] == replayed["measured"] == reckoned["measured"] > 250
    assert reckoned["beside"] == 485
    assert closed["reached"] is None


@pytest.mark.long
def test_recording_has_a_ratio_with_an_interval(results: dict[str, dict[str, Any]]) -> None:
    """Processor time is judged, elapsed time only shown."""
    processor, elapsed = results["recording"]["figures"]
    assert "(" in processor["error"]
    assert processor["asked"].startswith("at most 1.05")
    assert elapsed["reached"] is None


@pytest.mark.long
def test_peers_measures_the_same_load_by_each_tool(results: dict[str, dict[str, Any]]) -> None:
    """Speed and three quantiles for Seawall and Locust, and what was not measured is named."""
    names = names_of(results["peers"])
    for tool in ("Seawall", "Locust FastHttpUser"):
        assert f"{tool}: requests a second of one core" in names
        assert f"{tool}: p99" in names
    assert "Not measured: " in results["peers"]["notes"][-1]


@pytest.mark.long
def test_startup_measures_real_starts(results: dict[str, dict[str, Any]]) -> None:
    """A stack took longer than any of its servers, and every phase took some time."""
    figures = {figure["name"].removeprefix("· "): figure["measured"] for figure in results["startup"]["figures"]}
    assert figures["bin/seawall up"] > figures["Kafka: jars and classes looked at, format, start"] > 0
    assert all(seconds > 0 for seconds in figures.values())
    assert {"the broker alone", "PostgreSQL alone", "bin/seawall down"} <= set(figures)
    assert "kafka-1" in " ".join(results["startup"]["notes"])


@pytest.mark.long
def test_coverage_holds_every_interval(results: dict[str, dict[str, Any]]) -> None:
    """Quantiles of runs and of samples, ratios, means, shares, and A against A."""
    names = " ".join(names_of(results["coverage"]))
    for kind in ("of a run", "independent samples", "Hodges-Lehmann", "geometric mean", "Wilson", "A against A"):
        assert kind in names


def test_every_benchmark_is_listed_with_its_question() -> None:
    """`bench` alone prints a line for each."""
    process = start()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert set(QUICK) <= set(catalogue())
    assert [line.partition(" ")[0] for line in out.splitlines()] == list(catalogue())
    assert all(question.endswith(("?", ".")) for question in catalogue().values())


@pytest.mark.parametrize(("arguments", "said"), [(("dance",), "'dance'"), (("latency", "--users", "many"), "--users")])
def test_wrong_usage_ends_with_two(arguments: tuple[str, ...], said: str) -> None:
    """A benchmark that is none, and an option's value that is none, are named."""
    process = start(*arguments)
    _, complaints = process.communicate(timeout=30)
    assert process.returncode == 2
    assert said in complaints


def test_the_page_about_benchmarks_names_each() -> None:
    """A benchmark that is not described would be found here."""
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for name in catalogue():
        assert f"bin/seawall bench {name}" in page

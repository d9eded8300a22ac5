"""The API's benchmarks in their quick form: what they send, what they compare, and that nothing is left running."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from benchmarks.api_load import ApiLoad, bodies
from contract.entities import ENTITIES, parse
from contract.ids import split

pytestmark = pytest.mark.timeout(400)  # the five at once start some fifty servers
NAMES = ("api", "api_choices", "lookups", "kafka_user", "tracing")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """Run both at once, each with a home of its own: nobody looks at their figures."""
    running: dict[str, tuple[Path, subprocess.Popen[str]]] = {}
    for name in NAMES:
        home = tmp_path_factory.mktemp(name)
        running[name] = (
            home,
            subprocess.Popen(
                [sys.executable, "-P", "-m", "seawall.cli", "bench", name, "--quick", "--json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "SEAWALL_HOME": str(home)},
            ),
        )
    try:
        found = {}
        for name, (home, process) in running.items():
            out, complaints = process.communicate(timeout=350)
            assert process.returncode in (0, 1), f"{name}: {complaints}"
            found[name] = {**json.loads(out), "code": process.returncode, "home": str(home)}
        yield found
    finally:
        for _, process in running.values():
            process.kill()


def _names(result: dict[str, Any]) -> str:
    return "\n".join(figure["name"] for figure in result["figures"])


@pytest.mark.long  # the servers and loads of three benchmarks take a minute
def test_api_holds_the_path_against_both_peers(results: dict[str, dict[str, Any]]) -> None:
    """Four peers are asked for, with intervals; a quick run judges no paced load."""
    result = results["api"]
    asked = {figure["name"]: figure for figure in result["figures"] if figure["reached"] is not None}
    assert len(asked) == 4
    for figure in asked.values():
        assert re.fullmatch(r"[\d.]+ \([\d.]+ to [\d.]+\)", figure["error"])
        assert figure["measured"] > 0 < figure["beside"]
    assert result["reached"] == all(figure["reached"] for figure in asked.values()) == (result["code"] == 0)
    assert "grouped" in _names(result)
    assert "p99.9" in _names(result)


@pytest.mark.long
def test_api_choices_names_each_choice_and_its_alternatives(results: dict[str, dict[str, Any]]) -> None:
    """Of every choice one is the chosen, and it stands beside others."""
    names = [figure["name"] for figure in results["api_choices"]["figures"]]
    for choice, alternatives in {"decoder": 3, "acks": 5, "linger": 4, "collector": 3}.items():
        of_it = [name for name in names if name.startswith(f"{choice}: ")]
        assert len(of_it) == alternatives
        assert sum("(chosen)" in name for name in of_it) == 1


@pytest.mark.long
def test_lookups_shows_both_levels_what_they_save_how_stale_they_get_and_the_size_of_the_table(
    results: dict[str, dict[str, Any]],
) -> None:
    """Hits are judged in the API and by size; a read past the caches only stands beside them."""
    figures = results["lookups"]["figures"]
    judged = [
        re.split(r":|, (?:p99|most) of", figure["name"])[0] for figure in figures if figure["reached"] is not None
    ]
    l1, l2 = "L1, the process's memory", "L2, Valkey"
    assert judged == [
        *(l1, l2, "lookups that a cache answered", "database queries saved"),
        "stale after a change that is announced",
        "stale after a change that nobody announces",
        "stale after a row that was asked for before it was there",
        *(l1, l2),
    ]
    assert all(figure["measured"] > 0 for figure in figures)
    saved = next(figure for figure in figures if figure["name"] == "database queries saved")
    assert saved["reached"], saved
    assert results["lookups"]["quick"]


@pytest.mark.long
def test_kafka_user_holds_users_against_a_bare_producer_and_http(results: dict[str, dict[str, Any]]) -> None:
    """Five ways at the same rate; what one process can carry is judged, and the time beside HTTP."""
    figures = results["kafka_user"]["figures"]
    assert len(figures) == 8
    assert [figure["reached"] is None for figure in figures] == [True] * 5 + [False] * 3
    assert all(figure["measured"] > 0 for figure in figures)
    assert figures[0]["error"].startswith("1.00 times; sent to ack p50")


@pytest.mark.long
def test_tracing_holds_each_kind_against_none(results: dict[str, dict[str, Any]]) -> None:
    """What is there and traces little is judged; what traces everything only stands beside it."""
    figures = results["tracing"]["figures"]
    assert [figure["reached"] is None for figure in figures] == [False, False, True]
    assert all(figure["measured"] > 0 < figure["beside"] for figure in figures)
    assert " 0 traces came" not in " ".join(results["tracing"]["notes"])


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_running(results: dict[str, dict[str, Any]], name: str) -> None:
    """Neither servers nor files stay."""
    home = results[name]["home"]
    assert not [
        process.pid
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get("SEAWALL_HOME", "").startswith(home)
    ]
    assert not list(Path(home).glob("bench-api-*"))


def test_the_load_sends_valid_records_of_all_entities_with_ids_of_their_own() -> None:
    """As many of each; the length that is announced is that of the body."""
    load = ApiLoad(url="http://127.0.0.1:1", path="/v1/kafka", key="k", pid=1, connections=1, seconds=1)
    requests = [request for _, request in zip(range(500 * len(ENTITIES)), bodies(load), strict=False)]
    seen = set()
    for request, entity in zip(requests, list(ENTITIES.values()) * 500, strict=True):
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.startswith(f"POST /v1/kafka/{entity.name} HTTP/1.1\r\n".encode())
        assert b"Content-Length: %d" % len(body) in head
        record = parse(entity, body)
        assert split(record.id).entity == entity.number
        seen.add(record.id)
    assert len(seen) == 500 * len(ENTITIES)
    assert msgspec.json.decode(requests[0].partition(b"\r\n\r\n")[2])["id"] == str(min(seen))

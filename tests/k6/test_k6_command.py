"""`bin/seawall k6`, as a user runs it, on real servers with a real k6."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import junitparser
import pyarrow.parquet as pq
import pytest

from seawall.audit.ledger import read_ledger
from seawall.report.files import write_reports
from seawall.report.stored import stored_result
from seawall.stack.k6_binary import K6Program
from seawall.stack.stack import Stack

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("stack")]
SMALL = ["--rate", "50", "--users", "20", "--warmup", "1s", "--clean"]


def command(*words: str | Path) -> list[str | Path]:
    """Return the command line of the verb."""
    return ["env", "--default-signal=INT", sys.executable, "-P", "-m", "seawall.cli", "k6", *words]


def seawall_k6(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the verb to its end."""
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        command(*words), env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip


def written(directory: Path) -> dict[str, Any]:
    """Return the result."""
    found: dict[str, Any] = json.loads((directory / "result.json").read_text())
    return found


@pytest.fixture(scope="module")
def ran(k6: K6Program, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run k6 once, with writes through Kafka and lookups besides; return where its results are."""
    out = tmp_path_factory.mktemp("k6") / "out"
    done = seawall_k6("ingest", *SMALL, "--scenario", "mix", "--duration", "4s", "--output", out)
    assert done.returncode in (0, 3, 4), done.stderr  # so short a run can be too short to tell
    assert "Using the stack that is up." in done.stderr
    assert "audit: ran over" in done.stdout
    return out


def test_every_record_is_followed_to_its_row(ran: Path) -> None:
    """What k6 sent was stored, field by field, and each request judged in its scope."""
    (trial,) = written(ran)["trials"]
    audit = trial["audit"]
    assert audit["attempted"] == audit["acknowledged"] == audit["stored"] > 30
    assert {name: audit[name] for name in ("lost", "phantom", "corrupted", "duplicates", "pending")} == {
        "lost": 0, "phantom": 0, "corrupted": 0, "duplicates": 0, "pending": 0,
    }  # fmt: skip
    assert (trial["failed"], trial["users"], trial["visible_by"]) == (0, 20, "journal")
    assert set(trial["scopes"]) == {"write", "cached lookup"}
    assert 195 <= trial["requests"] <= 201
    ledger = read_ledger(ran / trial["ledger"])
    assert trial["requests"] < len(ledger.status) <= 251
    assert (ledger.sent_ns >= ledger.intended_ns).all()
    assert trial["cpu_s"]["load"] > 0
    assert pq.read_metadata(next((ran / trial["ledger"]).glob("part-*"))).num_rows == len(ledger.status)


def test_it_is_judged_by_our_targets_and_names_its_k6(ran: Path, k6: K6Program) -> None:
    """The same targets as those of a Locust run; k6's thresholds stand beside them."""
    result = written(ran)
    assert (result["experiment"], result["environment"]["k6"]) == ("k6", k6.version)
    judged = {row["name"]: row["outcome"] for row in result["targets"]}
    assert judged["nothing is lost"] == "PASS"
    assert {"writes answer in time", "cached lookups answer in time", "records are visible in time"} <= judged.keys()
    assert result["options"]["thresholds"]["http_req_duration{scope:write}"] == ["p(95)<200"]
    (arm,) = result["arms"]
    assert (arm["name"], arm["path"], arm["durability"]) == ("kafka", "kafka", "1 broker, page cache")


def test_its_reports_are_those_of_every_experiment(ran: Path, tmp_path: Path) -> None:
    """Page, CSV and JUnit, which can be made again from the directory."""
    with (ran / "summary.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert (line["kafka_status"], line["lost"]) == ("ON", "0")
    cases = [case.name for suite in junitparser.JUnitXml.fromfile(str(ran / "junit.xml")) for case in suite]
    assert any("nothing is lost" in name for name in cases)
    page = (ran / "report.html").read_text()
    assert "Visible delay over time" in page
    assert "Does the service hold its targets under this load?" in page
    write_reports(stored_result(ran), ran, tmp_path)
    assert (tmp_path / "report.html").read_text() == page


def test_wrong_options_are_told_all_at_once(tmp_path: Path) -> None:
    """Exit code 2, before k6 is looked for."""
    done = seawall_k6("ingest", "--rate", "0.5", "--scenario", "dance", "--path", "post", "--output", tmp_path / "out")
    assert done.returncode == 2
    for said in ("--rate: 0.5 is no whole number", "unknown 'dance'", "unknown 'post'"):
        assert said in done.stderr
    done = seawall_k6("digest")
    assert (done.returncode, "the script is ingest" in done.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_ctrl_c_writes_what_was_measured(k6: K6Program, stack: Stack, tmp_path: Path) -> None:
    """k6 ends, its requests under way are of unknown fate, and no row is one that nobody sent."""
    out = tmp_path / "out"
    words = command("ingest", "--rate", "200", "--users", "50", "--duration", "60s", "--clean", "--output", out)
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline_s = time.monotonic() + 60
        while sum(stack.row_counts().values()) < 300:
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    result = written(out)
    assert result["interrupted"]
    (trial,) = result["trials"]
    assert trial["outcome"] == "INVALID"
    assert (trial["audit"]["phantom"], trial["audit"]["lost"]) == (0, 0)
    assert trial["audit"]["attempted"] >= 300


@pytest.mark.long
def test_beside_locust_both_are_judged_alike(k6: K6Program, tmp_path: Path) -> None:
    """There and back, each audited; one block is too few for intervals, which is said."""
    out = tmp_path / "out"
    done = seawall_k6("ingest", *SMALL, "--beside-locust", "--blocks", "1", "--path", "sync", "--duration", "3s",
                      "--output", out)  # fmt: skip
    result = written(out)
    assert [trial["arm"] for trial in result["trials"]] == ["locust", "k6", "k6", "locust"]
    for trial in result["trials"]:
        assert trial["audit"]["attempted"] == trial["audit"]["stored"] > 150
    assert done.returncode in (3, 4), done.stderr
    assert {row["metric"] for row in result["comparisons"]} >= {"response_p50_ms", "achieved_per_s"} or (
        done.returncode == 4
    )
    assert "Do k6 and Locust tell the same of this load?" in (out / "report.html").read_text()
    assert "too few trials for intervals" in done.stdout

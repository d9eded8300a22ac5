"""`bin/seawall stream`, as a user calls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from spark_home import spark_home

from contract.connections import MARIADB, POSTGRESQL
from seawall.cli.app import SCENARIOS, main
from seawall.load.csv_sample import write_sample
from seawall.stack.places import ROOT

SMALL = ["--rate", "100", "--factor", "5", "--burst", "1s", "--before", "1s", "--after", "2s", "--warmup", "500ms"]


def started(home: Path, *words: str) -> subprocess.Popen[str]:
    """Start the command."""
    return subprocess.Popen(
        ["env", "--default-signal=INT", ROOT / "bin" / "seawall", "stream", *words],
        env={**os.environ, "COLUMNS": "200", "SEAWALL_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def written(directory: Path) -> dict[str, Any]:
    """Return the result."""
    found: dict[str, Any] = json.loads((directory / "result.json").read_text())
    return found


def remains(home: Path) -> list[str]:
    """Return processes that know the home, by their command line or by their environment."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = [*(process.info["cmdline"] or []), *(process.info["environ"] or {}).values()]
        if any(str(home) in word for word in words):
            found.append(" ".join(process.info["cmdline"] or []))
    return found


def half_written(directory: Path) -> list[Path]:
    """Return files that somebody had begun to write and not renamed."""
    return [path for path in directory.rglob("*") if path.suffix in (".partial", ".tmp")]


def test_the_bare_verb_names_the_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    """It is a question, not a mistake."""
    assert main(["stream"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in SCENARIOS["stream"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["dance"], "No such command 'dance'", id="a scenario that is none"),
        pytest.param(["ingest", "--factor", "1"], "where there is no burst", id="no burst"),
        pytest.param(["ingest", "--burst", "soon"], "is not a time", id="a time that is none"),
        pytest.param(["ingest", "--paths", "fast"], "unknown 'fast'", id="a path that is none"),
        pytest.param(["ingest", "--users", "10000000"], "--users", id="more users than the machine connects"),
        pytest.param(["ingest", "--targets", "/nowhere"], "cannot be read", id="targets that are not there"),
        pytest.param(["ingest", "--table-style", "fancy"], "unknown 'fancy'", id="a style that is none"),
        pytest.param(["cache", "--rows", "999"], "is not between 1,000", id="fewer rows than the base rows"),
        pytest.param(["cache", "--rows", "many"], "whole numbers", id="rows that are no number"),
        pytest.param(["cache", "--arms", "warm,tepid"], "unknown 'tepid'", id="an arm that is none"),
        pytest.param(["cache", "--rate", "0", "--compress", "0"], "--compress: must be above 0", id="all at once"),
        pytest.param(["analytics", "--rate", "0"], "--rate: must be above 0", id="a feed that sends nothing"),
        pytest.param(["fanout", "--groups", "1,9"], "--groups: numbers of 1 to 8", id="too many groups"),
        pytest.param(["fanout", "--ways", "post"], "--ways: some of log, database", id="a way that is none"),
        pytest.param(["analytics", "--late", "most"], "is not a share", id="a share that is none"),
        pytest.param(["analytics", "--window", "0"], "--window: must take", id="a window without length"),
        pytest.param(["live", "--sources", "rumour"], "unknown 'rumour'", id="a source that is none"),
        pytest.param(["live", "--sse", "many"], "--sse", id="a share that is none"),
        pytest.param(["live", "--subscribers", "10000000"], "--subscribers", id="more subscribers than can connect"),
        pytest.param(["live", "--database", "mariadb"], "a feed by the database", id="a feed that MariaDB has not"),
        pytest.param(["csv", "--ways", "post", "--rows", "1"], "--ways: some of direct, kafka", id="a way to no table"),
        pytest.param(["csv", "/nowhere/people.csv"], "/nowhere/people.csv: No such file", id="no such file"),
        pytest.param(["csv", str(ROOT / "docs")], "is a directory: name one file", id="a directory"),
        pytest.param(["csv", str(ROOT / "LICENSE")], "has to name the columns 'name' and 'age'", id="no such columns"),
        pytest.param(["csv", "--encoding", "latin-1"], "a sample is written in one of", id="no Korean in Latin"),
        pytest.param(
            ["reviews", "--arms", "all"], "--arms: some of batch, one-by-one", id="an arm that judges nothing"
        ),
        pytest.param(["reviews", "--faults", "errors"], "is not a weight", id="a fault without a share"),
        pytest.param(["reviews", "--faults", "luck=1"], "--faults: shares of errors", id="a fault that is none"),
        pytest.param(["spark", "--arms", "fast"], "--arms: some of baseline, per-record", id="a factor that is none"),
        pytest.param(["spark", "--master", "here"], "--master: local[*]", id="a master that is none"),
        pytest.param(["reviews", "--model-url", "model"], "--model-url: the base of an API", id="no address"),
    ],
)
def test_wrong_usage_starts_nothing(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what is wrong, the exit code is 2, and there is neither a stack nor a directory."""
    home = tmp_path / "home"
    monkeypatch.setenv("SEAWALL_HOME", str(home))
    output = ["--output", str(tmp_path / "out")] if words[0] in SCENARIOS["stream"] else []
    assert main(["stream", *words, *output]) == 2
    assert said in capsys.readouterr().err
    assert not home.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_burst_by_each_path_has_an_answer_and_its_files(tmp_path: Path) -> None:
    """On a stack of its own, of which nothing remains."""
    home, output = tmp_path / "home", tmp_path / "out"
    with started(home, "ingest", *SMALL, "--users", "50", "--output", str(output)) as process:
        out, err = process.communicate(timeout=280)
    assert process.returncode in (0, 3, 4), out + err  # on a busy machine a trial may say nothing; none may fail
    result = written(output)
    assert [finding["arm"] for finding in result["bursts"]] == ["sync", "grouped", "kafka"]
    for finding in result["bursts"]:
        assert [stage["offered"] for stage in finding["stages"]] == [100, 500, 200]
        assert (finding["lost"], finding["doubled"], finding["pending"]) == (0, 0, 0)
    assert "Bursts: what each path did, and what followed" in out
    assert {path.name for path in output.iterdir()} >= {"result.json", "summary.csv", "report.html", "junit.xml"}
    assert not remains(home)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    """After the first path: its finding is written, the exit code is 130, and nothing remains."""
    home, output = tmp_path / "home", tmp_path / "out"
    words = ["--rate", "100", "--users", "50", "--after", "30s", "--paths", "sync,grouped", "--output", str(output)]
    with started(home, "ingest", "--burst", "1s", "--before", "1s", *words) as process:
        deadline = time.monotonic() + 200
        while not (output / "result.json").exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=90)
    assert process.returncode == 130, out + err
    result = written(output)
    assert result["interrupted"]
    assert [finding["arm"] for finding in result["bursts"]] == ["sync"]
    assert (output / "report.html").exists()
    assert not remains(home)


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("database", "sources"), [(POSTGRESQL, ["log", "database"]), (MARIADB, ["log"])])
def test_feeds_have_an_answer_and_their_files(
    tmp_path: Path, database: str, sources: list[str], request: pytest.FixtureRequest
) -> None:
    """By the log and by asking the database; every delivery is there, and nothing of the stack remains."""
    if database == MARIADB:
        request.getfixturevalue("mariadb_url")  # where none is installed the test is left out
    home, output = tmp_path / "home", tmp_path / "out"
    words = [
        "--database",
        database,
        "--sources",
        ",".join(sources),
        "--rate",
        "50",
        "--subscribers",
        "60",
        "--whole",
        "2",
        "--silent",
        "0",
        "--returning",
        "20%",
    ]
    words += ["--duration", "4s", "--warmup", "1s", "--writers", "20", "--output", str(output)]
    with started(home, "live", *words) as process:
        out, err = process.communicate(timeout=380)
    result = written(output)
    assert [finding["source"] for finding in result["live"]] == sources
    for finding in result["live"]:
        assert finding["records"] > 0
        assert finding["expected"] == finding["delivered"] > finding["records"]
        assert [finding[name] for name in ("missing", "doubled", "disordered", "strayed")] == [0, 0, 0, 0]
        assert finding["returned"] > 0
        assert finding["arrival_ms"]["samples"] > 0
        assert finding["database_cpu_s"] > 0
    assert process.returncode in (0, 1, 3, 4), out + err  # on a busy machine it may be late
    assert "Deliveries: each acknowledged record" in out
    assert {path.name for path in output.iterdir()} >= {"result.json", "summary.csv", "report.html", "junit.xml"}
    assert not remains(home)


SHORT = {
    "ingest": [*SMALL, "--users", "50", "--paths", "sync,grouped", "--after", "6s"],
    "cache": ["--rows", "1000", "--rate", "20", "--duration", "6s", "--compress", "25"],
    "analytics": ["--rate", "50", "--duration", "6s", "--window", "2s", "--lateness", "500ms"],
    "fanout": ["--records", "2000", "--groups", "1,3"],
    "live": ["--rate", "30", "--subscribers", "20", "--whole", "1", "--silent", "1", "--duration", "6s",
             "--warmup", "1s", "--writers", "10"],
    "reviews": ["--reviews", "60", "--jobs", "3", "--rate", "20", "--wait", "2s", "--latency", "500ms"],
    "spark": ["--quick", "--reviews", "80", "--steps", "4"],
}  # fmt: skip
FINDINGS = {
    "ingest": "bursts", "cache": "fleet", "analytics": "live_analytics", "fanout": "fanout", "live": "live",
    "reviews": "reviews", "spark": "spark",
}  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("mariadb_url")  # where none is installed the test is left out
@pytest.mark.parametrize("name", ["cache", "analytics", "fanout", "reviews", "csv"])
def test_scenarios_run_on_mariadb(tmp_path: Path, name: str) -> None:
    """Nothing is lost, doubled or wrong, and nothing of the stack remains."""
    home, output = tmp_path / "home", tmp_path / "out"
    words = SHORT.get(name, ["--rows", "3000"])
    with started(home, name, *words, "--database", "mariadb", "--output", str(output)) as process:
        out, err = process.communicate(timeout=380)
    assert process.returncode in (0, 3, 4), out + err  # on a busy machine it may be late
    result = written(output)
    found = result["fleet"]["trials"] if name == "cache" else result[FINDINGS.get(name, name)]
    assert found
    wrong = ("lost", "doubled", "missing", "phantom", "differing", "corrupted", "mislabelled", "misordered")
    assert not [(one, key) for one in found for key in wrong if one.get(key)]
    assert "mariadb" in result["environment"]["servers"]
    assert not remains(home)


@pytest.fixture(autouse=True)
def _leave_out_spark(request: pytest.FixtureRequest) -> None:
    """Leave a test of the Spark job out where Spark, an extra, or its Java is not there."""
    if "name" in request.fixturenames and request.getfixturevalue("name") == "spark":
        spark_home()


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("trials", [0, 1], ids=["in the first trial", "in the second"])
@pytest.mark.parametrize("name", SHORT)
def test_ctrl_c_in_the_middle_of_a_trial(tmp_path: Path, name: str, trials: int) -> None:
    """What was measured before is written, the exit code is 130, and neither a process nor half a file remains."""
    home, output = tmp_path / "home", tmp_path / "out"
    with started(home, name, *SHORT[name], "--output", str(output)) as process:
        deadline = time.monotonic() + 300

        def is_time() -> bool:
            if trials:
                return (output / "result.json").exists()
            return output.exists() and any(path.is_file() for path in (output / "raw").rglob("*"))

        while not is_time() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(2.0)  # somewhere in it
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=90)
    assert process.returncode == 130, out + err
    result = written(output)
    assert result["interrupted"]
    assert "Traceback" not in err
    found = result[FINDINGS[name]]
    assert len((found or {}).get("trials", []) if name == "cache" else found) >= trials
    assert {path.name for path in output.iterdir()} >= {"result.json", "summary.csv", "report.html", "junit.xml"}
    assert half_written(output) == []
    assert not remains(home)


@pytest.mark.long
@pytest.mark.timeout(500)
@pytest.mark.parametrize("name", ["cache", "analytics", "fanout", "reviews", "spark"])
def test_a_whole_run_has_an_answer_and_its_files(tmp_path: Path, name: str) -> None:
    """Nothing is lost, the page has pictures, and nothing of the stack remains."""
    home, output = tmp_path / "home", tmp_path / "out"
    with started(home, name, *SHORT[name], "--output", str(output)) as process:
        out, err = process.communicate(timeout=480)
    assert process.returncode in (0, 1, 3, 4), out + err  # on a busy machine it may be late
    result = written(output)
    assert not result.get("interrupted")
    found = result["fleet"]["trials"] if name == "cache" else result[FINDINGS[name]]
    assert len(found) >= 3
    for one in found:
        assert [one.get(count, 0) for count in ("lost", "doubled", "pending", "missing", "both")] == [0] * 5, one[
            "reasons"
        ]
    assert (output / "report.html").read_text().count("<figure>") >= 2
    assert {path.name for path in output.iterdir()} >= {"result.json", "summary.csv", "report.html", "junit.xml"}
    assert half_written(output) == []
    assert not remains(home)


@pytest.mark.long
@pytest.mark.timeout(500)
def test_nodes_of_the_cache_die_under_load_and_nothing_is_lost(tmp_path: Path) -> None:
    """One, and then so many that there is no majority: the database is asked, and every order is accepted."""
    home, output = tmp_path / "home", tmp_path / "out"
    words = ["--rows", "1000", "--rate", "10", "--duration", "18s", "--compress", "10", "--valkey-nodes", "3"]
    with started(home, "cache", *words, "--arms", "one-away,two-away", "--output", str(output)) as process:
        out, err = process.communicate(timeout=480)
    assert process.returncode in (0, 3, 4), out + err  # on a busy machine a trial may say nothing; none may fail
    for number, one in enumerate(written(output)["fleet"]["trials"], start=1):
        outage = one["outage"]
        assert len(outage["nodes"]) == one["away"] == number
        assert outage["from_database"] > 0
        assert outage["from_database"] == outage["orders"] - outage.get("failed", 0)
        assert outage["whole"]
        assert [one.get(count, 0) for count in ("lost", "doubled", "pending", "nobody")] == [0, 0, 0, 0]
    assert "nodes away" in (output / "report.html").read_text()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_import_that_is_interrupted_says_how_to_go_on(tmp_path: Path) -> None:
    """On a stack that stays: the exit code is 130, what was imported stays, and the command goes on with it."""
    home, output = tmp_path / "home", tmp_path / "out"
    file = write_sample(tmp_path / "people.csv", 400_000, seed=1).path
    words = ["--batch-rows", "500", "--no-loader", "--output"]
    bin_, env = ROOT / "bin" / "seawall", {**os.environ, "SEAWALL_HOME": str(home)}
    subprocess.run([bin_, "up"], env=env, check=True, timeout=200, stdin=subprocess.DEVNULL, capture_output=True)
    try:
        with started(home, "csv", str(file), *words, str(output)) as process:
            said = output / "raw" / "01-direct" / "importer.jsonl"
            deadline = time.monotonic() + 100
            while not (said.exists() and said.stat().st_size > 2_000) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        assert process.returncode == 130, out + err
        assert f"this goes on: bin/seawall stream csv {file} --ways direct,kafka" in out
        assert written(output)["interrupted"]
        again = tmp_path / "again"
        with started(home, "csv", str(file), "--ways", "direct", "--no-loader", "--output", str(again)) as process:
            out, err = process.communicate(timeout=200)
        assert process.returncode == 0, out + err
        (finding,) = written(again)["csv"]
        assert finding["resumed_line"] > 2
        assert 0 < finding["stored"] < finding["in_table"] == finding["good"] == 399_600
    finally:
        subprocess.run([bin_, "down"], env=env, check=True, timeout=100, stdin=subprocess.DEVNULL, capture_output=True)
    assert not remains(home)

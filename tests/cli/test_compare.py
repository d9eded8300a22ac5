"""`bin/seawall compare`, as a user runs it, on real servers."""

from __future__ import annotations

import csv
import json
import os
import pty
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from new_records import new_record
from psycopg import sql

from contract.entities import ENTITIES
from contract.ids import FIRST_RUN_ID
from contract.topics import PARTITIONS, SINK_GROUP, topic_of
from seawall.cli.app import main
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

SMALL = ["--quick", "--entities", "orders", "--counts", "40", "--users", "20", "--duration", "1s", "--warmup", "500ms"]


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with nobody there to answer questions."""
    return subprocess.run(
        [ROOT / "bin" / "seawall", "compare", *arguments],
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the command and leave it running, as if from a terminal: whoever runs the tests may ignore SIGINT."""
    return subprocess.Popen(
        ["env", "--default-signal=INT", ROOT / "bin" / "seawall", "compare", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result_of(directory: Path) -> dict[str, Any]:
    """Return what the run wrote."""
    found: dict[str, Any] = json.loads((directory / "result.json").read_text())
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def descendants() -> set[int]:
    """Return the processes below this one."""
    return {process.pid for process in psutil.Process().children(recursive=True)}


def test_compares_all_paths_and_accounts_for_every_record(stack: Stack, tmp_path: Path) -> None:
    """Tables, CSV and JSON agree with one another, with the table's rows and with the topics' offsets."""
    out = tmp_path / "out"
    done = run(*SMALL, "--clean", "--table-style", "markdown", "--output", str(out))
    assert done.returncode in (0, 4), done.stderr  # on a busy machine a load may not be steady
    result = result_of(out)
    assert [trial["arm"] for trial in result["trials"]] == ["sync", "grouped", "kafka", "kafka", "grouped", "sync"] * 2
    for trial in result["trials"]:
        assert trial["outcome"] == "PASS" or (trial["kind"] == "load" and trial["outcome"] == "INVALID")
        audit = trial["audit"]
        assert audit["attempted"] >= audit["acknowledged"] == audit["stored"] > 0
        if audit["attempted"] == audit["acknowledged"]:
            assert trial["visible_ms"]["samples"] == trial["requests"]
        else:  # a machine that is full of other work refuses part of a load; what it accepts has to be there
            assert trial["kind"] == "load"
    data = [trial for trial in result["trials"] if trial["kind"] == "data"]
    assert all(trial["audit"]["stored"] == 40 and trial["duration_s"] > 0 for trial in data)
    load = [trial for trial in result["trials"] if trial["kind"] == "load"]
    assert {trial["requests"] for trial in load} == {100}

    with (out / "summary.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0])[:8] == [
        "timestamp",
        "entity",
        "count",
        "kafka_status",
        "success",
        "failed",
        "duration",
        "tps",
    ]
    assert [line["kafka_status"] for line in lines[:6]] == ["OFF", "OFF", "ON", "ON", "OFF", "OFF"]
    assert [int(line["success"]) for line in lines] == [trial["audit"]["stored"] for trial in result["trials"]]

    assert "With Kafka against without: + means better with Kafka" in done.stdout
    assert "fsync" in done.stdout
    assert "1 broker, page cache" in done.stdout
    assert (out / "logs" / "api.log").exists()
    assert (out / "raw" / "load-kafka-0a_stats.csv").read_text().count("/v1/kafka/") == 3

    last_kafka = max(index for index, trial in enumerate(result["trials"]) if trial["arm"] == "kafka")
    assert result["trials"][last_kafka]["audit"]["stored"] == log_records_of_last_kafka_trial(out, result)
    counted = sum(stack.row_counts().values())
    assert counted == result["trials"][-1]["audit"]["stored"] == rows_in_tables(stack)


def rows_in_tables(stack: Stack) -> int:
    """Count rows with a client of the test's own."""
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        counts = [
            connection.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE id >= %s").format(sql.Identifier(name)), (FIRST_RUN_ID,)
            ).fetchone()
            for name in ENTITIES
        ]
    return sum(count[0] for count in counts if count)


def log_records_of_last_kafka_trial(out: Path, result: dict[str, Any]) -> int:
    """Return the number of accepted requests in Locust's own CSV of that trial."""
    name = [trial["name"] for trial in result["trials"] if trial["arm"] == "kafka"][-1]
    with (out / "raw" / f"{name}_stats.csv").open() as file:
        total = next(line for line in csv.DictReader(file) if line["Name"] == "Aggregated")
    return int(total["Request Count"]) - int(total["Failure Count"])


@pytest.mark.long
def test_the_topics_offsets_agree_with_the_tables(stack: Stack, tmp_path: Path) -> None:
    """After a comparison of the Kafka path alone, the log holds as many records as the tables."""
    done = run("--parts", "data", "--paths", "kafka", "--entities", "users", "--counts", "123", "--quick", "--clean",
               "--output", str(tmp_path / "out"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    consumer = Consumer({**stack.connections.kafka, "group.id": SINK_GROUP})
    places = [TopicPartition(topic_of(ENTITIES["users"]), number) for number in range(PARTITIONS)]
    marks = [consumer.get_watermark_offsets(place, timeout=10) for place in places]
    consumer.close()
    assert sum(end - first for first, end in marks) == rows_in_tables(stack) == 123


@pytest.mark.long
def test_a_sink_killed_in_mid_run_loses_nothing(stack: Stack, tmp_path: Path) -> None:
    """SIGKILL while records stream: it is started again, absorbs what it has seen, and every row is there."""
    out = tmp_path / "out"
    running = start("--parts", "load", "--paths", "kafka", "--quick", "--duration", "5s", "--rate", "2", "--clean",
                    "--output", str(out))  # fmt: skip
    wait_for((out / "raw" / "warm-up-kafka_stats.csv").exists)
    wait_for(lambda: sum(stack.row_counts().values()) == 0)  # the warm-up's rows have gone
    wait_for(lambda: sum(stack.row_counts().values()) > 200)
    stack.signal("sink-1", signal.SIGKILL)
    _, errors = running.communicate(timeout=90)
    assert running.returncode in (0, 4), errors  # a busy machine may have made the generator late
    assert "sink-1 died and was started again" in errors
    trials = result_of(out)["trials"]
    assert all(trial["audit"]["lost"] == 0 == trial["audit"]["pending"] for trial in trials)
    assert any(trial["restarts"] for trial in trials)


@pytest.mark.long
def test_a_sink_that_stands_still_is_reported_as_pending_rows(stack: Stack, tmp_path: Path) -> None:
    """A stopped sink makes the comparison end early, name the first ids, and exit with 1."""
    stack.signal("sink-1", signal.SIGSTOP)
    try:
        done = run("--parts", "data", "--paths", "sync,kafka", "--entities", "users", "--counts", "30", "--quick",
                   "--clean", "--drain-timeout", "2s", "--output", str(tmp_path / "out"))  # fmt: skip
    finally:
        stack.signal("sink-1", signal.SIGCONT)
    assert done.returncode == 1, done.stderr
    result = result_of(tmp_path / "out")
    pending = [trial for trial in result["trials"] if trial["audit"]["pending"]]
    assert [trial["audit"]["pending"] for trial in pending] == [30]
    assert pending[0]["examples"]["pending"][0] in done.stdout
    assert result["outcome"] == "FAIL"
    wait_for(lambda: stack.lag() == 0)


@pytest.mark.long
def test_ctrl_c_writes_what_was_measured_and_leaves_no_process(stack: Stack, tmp_path: Path) -> None:
    """Interrupted in mid-load: code 130, a result with the trials so far, the load process gone."""
    before = descendants()
    out = tmp_path / "out"
    running = start(*SMALL, "--duration", "20s", "--clean", "--output", str(out))
    wait_for(lambda: (out / "result.json").exists() and len(result_of(out)["trials"]) >= 2)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert running.returncode == 130
    result = result_of(out)
    assert result["interrupted"]
    assert len(result["trials"]) >= 2
    wait_for(lambda: descendants() <= before)
    assert not list(out.rglob("*.partial"))


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("limit", "code", "outcome"),
    [
        pytest.param("< 60 s", 0, "PASS", id="kept", marks=pytest.mark.long),
        pytest.param("< 0.002 ms", 1, "FAIL", id="missed"),
    ],
)
@pytest.mark.long
def test_a_gate_ends_with_the_verdict_of_its_path(tmp_path: Path, limit: str, code: int, outcome: str) -> None:
    """Four trials against a limit that nobody misses, and one that nobody keeps."""
    targets = tmp_path / "mine.toml"
    targets.write_text(f'[[always]]\nname = "mine"\nmetric = "response_p95_ms"\nscope = "write"\nlimit = "{limit}"\n')
    for attempt in range(3):  # where something else takes the processor, trials say nothing, and are tried again
        out = tmp_path / f"out-{attempt}"
        done = run("--parts", "load", "--paths", "sync", "--users", "20", "--duration", "1s", "--warmup", "500ms",
                   "--clean", "--gate", "sync", "--targets", str(targets), "--output", str(out))  # fmt: skip
        if "over 4 valid trials" in done.stdout:
            break
    assert done.returncode == code, done.stderr
    assert f"sync (fsync): {outcome} against 1 target, over 4 valid trials" in done.stdout
    result = result_of(out)
    assert result["verdicts"] == {"sync": outcome}
    (row,) = result["targets"]
    assert row["ci_low"] <= row["measured"] <= row["ci_high"]
    assert result["outcome"] == "PASS"  # every trial was valid and clean, whatever the gate says


def test_a_bad_targets_file_is_refused_with_every_mistake(tmp_path: Path) -> None:
    """Line and column of each, code 2, and nothing is started."""
    targets = tmp_path / "bad.toml"
    targets.write_text('[[always]]\nname = "a"\nmetric = "respons_p95_ms"\nlimit = "< -1"\n')
    done = run("--targets", str(targets), SEAWALL_HOME=str(tmp_path / "home"))
    assert done.returncode == 2
    assert "bad.toml:3:" in done.stderr
    assert "response_p95_ms" in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.usefixtures("stack")
class TestRowsOfEarlierRuns:
    """What happens to them."""

    @pytest.fixture(autouse=True)
    def _rows(self, stack: Stack, tmp_path: Path) -> None:
        self.small = ["--parts", "data", "--paths", "sync", "--entities", "users", "--counts", "10", "--quick"]
        self.out = str(tmp_path / "second")
        stack.fresh()
        users = ENTITIES["users"]
        with httpx.Client(base_url=stack.state.api_url, headers=stack.api_headers) as client:
            for _ in range(10):
                body = msgspec.json.encode(new_record(users))
                client.post(
                    "/v1/sync/users", content=body, headers={"Content-Type": "application/json"}
                ).raise_for_status()
        assert stack.row_counts()["users"] == 10

    def test_are_never_touched_without_a_word(self, stack: Stack) -> None:
        """Nobody can answer, so the command refuses, and the rows are still there."""
        done = run(*self.small, "--output", self.out)
        assert done.returncode == 2
        assert "10 users of earlier runs: give --clean or --keep" in done.stderr
        assert stack.row_counts()["users"] == 10
        assert not Path(self.out).exists()

    @pytest.mark.long
    def test_can_be_kept(self, stack: Stack) -> None:
        """With --keep they stay, and the audit tells them from the new ones."""
        assert run(*self.small, "--keep", "--output", self.out).returncode == 0
        assert stack.row_counts()["users"] > 10
        assert {trial["audit"]["phantom"] for trial in result_of(Path(self.out))["trials"]} == {0}

    @pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2)])
    @pytest.mark.long
    def test_somebody_at_a_terminal_is_asked(self, stack: Stack, answer: str, code: int) -> None:
        """Yes cleans up and goes on, no changes nothing."""
        ours, theirs = pty.openpty()
        running = subprocess.Popen(
            [ROOT / "bin" / "seawall", "compare", *self.small, "--output", self.out],
            stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        threading.Timer(1.0, os.write, (ours, f"{answer}\n".encode())).start()
        _, errors = running.communicate(timeout=60)
        os.close(ours)
        os.close(theirs)
        assert running.returncode == code, errors
        assert "Clean up?" in errors
        assert stack.row_counts()["users"] == 10


@pytest.mark.long
def test_runs_without_kafka_on_a_stack_of_its_own_and_leaves_nothing(tmp_path: Path) -> None:
    """Only paths that need no Kafka: none is started, and at the end no process and no state is left."""
    before = descendants()
    home = tmp_path / "home"
    done = run(*SMALL, "--paths", "sync,grouped", "--output", str(tmp_path / "out"), SEAWALL_HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert "kafka" not in done.stderr
    assert "lost" not in done.stdout.replace("nothing lost", "")
    assert not (home / "stack.json").exists()
    assert descendants() <= before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--paths", "sink"], "--paths: unknown 'sink', known are sync, grouped, kafka"),
        (["--entities", "users,users"], "--entities: each may stand there once"),
        (["--counts", "ten"], "'ten' is not a list of whole numbers"),
        (["--counts", "0"], "--counts: 0 is not between 1"),
        (["--users", "0", "--rate", "0"], "--rate: must be above 0"),
        (["--duration", "soon"], "'soon' is not a time like 10s or 1m"),
        (["--table-style", "pretty"], "unknown 'pretty'"),
        (["--clean", "--keep"], "exclude each other"),
        (["--brokers", "2"], "choose 1 or 3"),
        (["--gate", "kafka", "--paths", "sync"], "--gate: unknown 'kafka', known are sync"),
        (["--gate", "kafka", "--parts", "data"], "--gate: the load part is what is judged"),
        (["--targets", "no-such-file.toml"], "no-such-file.toml cannot be read: No such file or directory"),
        (["--no-such-option"], "No such option"),
        (["--output", "pyproject.toml"], "exists and is not an empty directory"),
    ],
)
def test_wrong_usage_is_a_line_or_two_and_code_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each mistake is named, nothing is started, nothing is written."""
    home = tmp_path / "home"
    monkeypatch.setenv("SEAWALL_HOME", str(home))
    assert main(["compare", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert not (home / "stack.json").exists()


@pytest.mark.long
def test_a_comparison_on_mariadb_is_audited_and_reported(tmp_path: Path, mariadb_url: str) -> None:
    """Every record of each path is found in its tables, and the report and the settings say which database it was."""
    out = tmp_path / "out"
    done = run(*SMALL, "--database", "mariadb", "--output", str(out), SEAWALL_HOME=str(tmp_path / "home"))
    assert done.returncode in (0, 4), done.stderr  # a machine that does something else may spoil a trial
    result = result_of(out)
    for trial in result["trials"]:
        audit = trial["audit"]
        assert audit["attempted"] == audit["acknowledged"] == audit["stored"] > 0
        assert not any(audit[name] for name in ("lost", "phantom", "duplicates", "corrupted"))
        assert trial["cpu_s"]["mariadb"] > 0
    assert {arm["durability"] for arm in result["arms"]} == {"fsync", "1 broker, page cache"}
    assert all(arm["settings"]["mariadb"]["innodb_flush_log_at_trx_commit"] == "1" for arm in result["arms"])
    assert "MariaDB" in result["environment"]["servers"]["mariadb"]
    assert (out / "report.html").exists()


def test_a_running_stack_with_another_database_is_not_compared(stack: Stack, tmp_path: Path) -> None:
    """What is asked for and not there is said, with both ways out."""
    done = run("--quick", "--database", "mariadb", "--output", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "the running stack has PostgreSQL" in done.stderr
    assert "--database" in done.stderr
    assert not (tmp_path / "out").exists()

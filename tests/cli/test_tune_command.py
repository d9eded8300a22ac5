"""`bin/seawall tune`, from the command line to the result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.cli.app import main
from seawall.result import Outcome, read_result


def tune(home: Path, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the verb with a home of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "tune", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "SEAWALL_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1"},
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--knob"),
        (("--knob", "linger"), "do you mean linger.ms"),
        (("--knob", "compression.type"), "topic.compression.type"),
        (("--knob", "linger.ms", "--levels", "-1,soon"), "choose 0 to 900,000"),
        (("--knob", "acks", "--levels", "1", "--settings", "beside.toml"), "idempotence needs acks=-1"),
        (("--knob", "heartbeat.interval.ms", "--levels", "6000"), "every session would run out"),
        (("--knob", "min.insync.replicas"), "--brokers 3"),
        (("--knob", "num.replica.fetchers"), "does nothing with less than 3 brokers"),
        (("--knob", "linger.ms", "--levels", "10"), "choose 2 to 20"),
        (("--knob", "linger.ms", "--settings", "nowhere.toml"), "No such file"),
        (("--knob", "linger.ms", "--repeats", "3"), "no even number"),
        (("--knob", "linger.ms", "--rate", "0"), "must be above 0"),
        (("--knob", "value_serializer", "--levels", "xml"), "choose string, bytes, json, avro, protobuf"),
        (("--knob", "partition_by", "--key-skew", "9"), "--key-skew"),
        (("--knob", "offset_commits", "--kill", "broker"), "known is sink"),
        (("--knob", "transactions", "--settings", "beside.toml", "--levels", "most"), "choose none, each, group"),
        (("--knob", "heap", "--levels", "1000g"), "choose 256m"),
    ],
)
def test_what_cannot_be_swept_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    """Code 2, the reason, and nothing started."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "beside.toml").write_text('[producer]\n"enable.idempotence" = true\n')
    given = [str(tmp_path / text) if text.endswith(".toml") else text for text in arguments]
    assert main(["tune", *given]) == 2
    assert words in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "home").exists()


def test_all_knobs_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With their places."""
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["tune", "--list", "--table-style", "ascii"]) == 0
    shown = capsys.readouterr().out
    for name in (
        "linger.ms",
        "fetch.wait.max.ms",
        "SEAWALL_SINK_BATCH_SIZE",
        "SEAWALL_VALUE_SERIALIZER",
        "flush.messages",
        "num.io.threads",
    ):
        assert name in shown


@pytest.mark.long
def test_a_sweep_tells_what_a_level_does(tmp_path: Path) -> None:
    """A tenth of a second's linger is seen by every answer; all records are accounted for, all settings set back."""
    done = tune(
        tmp_path / "home",
        *("--knob", "linger.ms", "--levels", "150", "--rate", "200", "--users", "20", "--duration", "3s"),
        *("--warmup", "1s", "--repeats", "4", "--output", str(tmp_path / "out")),
        timeout_s=300,
    )
    result = read_result(tmp_path / "out" / "result.json")
    assert result.experiment == "tune"
    assert [arm.name for arm in result.arms] == ["linger.ms=10", "linger.ms=150"]
    assert result.arms[1].settings["tuned"]["api"] == {"SEAWALL_KAFKA_PRODUCER_PROPERTIES": '{"linger.ms":150}'}
    assert len(result.trials) == 8
    assert all(trial.audit.lost == trial.audit.pending == 0 for trial in result.trials)
    slower = [trial.response_ms.p50 for trial in result.trials if trial.arm == "linger.ms=150"]
    assert all(p50 is not None and p50 > 140 for p50 in slower)
    logs = {trial.arm: trial.log for trial in result.trials}
    quick, slow = logs["linger.ms=10"], logs["linger.ms=150"]
    assert quick is not None
    assert slow is not None
    assert (slow.records_per_request or 0) > 2 * (quick.records_per_request or 0) > 0
    assert slow.records > 400
    assert (slow.rows_per_batch or 0) > 1
    assert done.returncode in (0, 4), done.stderr
    if result.outcome is Outcome.PASS:
        (row,) = [row for row in result.comparisons if row.metric == "response_p95_ms"]
        assert (row.significant, row.says) == (True, "larger")
        assert "linger.ms=150: response p95" in done.stdout
    assert json.loads((tmp_path / "out" / "result.json").read_text())["options"]["knob"] == "linger.ms"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_sweep_with_kills_tells_what_is_read_again_and_what_is_lost(tmp_path: Path) -> None:
    """By the clock much is read again, before the rows something is lost, and in their transaction neither."""
    done = tune(
        tmp_path / "home",
        *("--knob", "offset_commits", "--levels", "periodic,database,before-write", "--kill", "sink"),
        *("--rate", "200", "--users", "20", "--entity", "users", "--duration", "14s", "--warmup", "1s"),
        *("--repeats", "2", "--output", str(tmp_path / "out")),
        timeout_s=580,
    )
    result = read_result(tmp_path / "out" / "result.json")
    trials = {
        level: [trial for trial in result.trials if trial.arm.endswith(f"={level}")]
        for level in ("batch", "periodic", "database", "before-write")
    }
    assert all(sum(trial.restarts.get("sink-1", 0) for trial in found) == 4 for found in trials.values())
    lost = {level: sum(trial.audit.lost for trial in found) for level, found in trials.items()}
    again = {level: sum(trial.audit.absorbed_duplicates for trial in found) for level, found in trials.items()}
    assert lost.pop("before-write") > 0
    assert set(lost.values()) == {0}
    assert again["periodic"] > again["batch"]
    assert again["database"] == 0
    assert (done.returncode, result.outcome) == (1, Outcome.FAIL)
    assert "What killed sinks left" in done.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_sweep_of_partitions_has_servers_for_each_level(tmp_path: Path) -> None:
    """Each trial's records lie in as many partitions as its level says."""
    done = tune(
        tmp_path / "home",
        *("--knob", "partitions", "--levels", "1", "--rate", "100", "--users", "20", "--duration", "3s"),
        *("--warmup", "1s", "--repeats", "2", "--output", str(tmp_path / "out")),
        timeout_s=580,
    )
    result = read_result(tmp_path / "out" / "result.json")
    assert [arm.name for arm in result.arms] == ["partitions=3", "partitions=1"]
    counts = [arm.settings["kafka"]["topics"]["seawall.users"]["partitions"] for arm in result.arms]
    assert counts == [3, 1]
    assert len(result.trials) == 4
    assert all(trial.audit.stored == trial.audit.attempted > 0 for trial in result.trials)
    assert done.returncode in (0, 4), done.stderr


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_sweep_of_serializers_brings_its_registry(tmp_path: Path) -> None:
    """Every record is accounted for in each form, and binary ones are smaller on the wire."""
    tune(
        tmp_path / "home",
        *("--knob", "value_serializer", "--levels", "bytes,avro", "--rate", "100", "--users", "20", "--duration", "3s"),
        *("--warmup", "1s", "--repeats", "2", "--entity", "users", "--output", str(tmp_path / "out")),
        timeout_s=380,
    )
    result = read_result(tmp_path / "out" / "result.json")
    assert len(result.trials) == 6
    assert all(trial.audit.stored == trial.audit.attempted > 0 for trial in result.trials)
    assert all(trial.spread is not None and trial.spread.fullest < 2 for trial in result.trials)
    sizes = {
        trial.arm.partition("=")[2]: trial.log.bytes_per_record for trial in result.trials if trial.log is not None
    }
    assert max(sizes["bytes"] or 0, sizes["avro"] or 0) < (sizes["json"] or 0)

"""`bin/seawall tune`, from the command line to the result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seawall.cli.app import main
from seawall.cli.option_values import level_names
from seawall.result import AdviceKind, Outcome, read_result
from seawall.tuning.kafka_settings import read_settings

FINE = """
design = "full"

[factors]
"linger.ms" = [0, 60]
"fetch.wait.max.ms" = [5, 500]
"""
REFUSED = """
design = "fractional"
resolution = 3

[factors]
"acks" = [1, -1]
"enable.idempotence" = [true, false]
"linger.ms" = [0, 10]
"""


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
        (
            ("--knob", "cleanup.policy", "--levels", "delete,compact,delete"),
            "delete is named twice; where a level holds",
        ),
        (("--knob", "linger.ms", "--entity", "order"), "--entity: unknown"),
        (("--knob", "linger.ms", "--rate", "0"), "must be above 0"),
        (("--knob", "value_serializer", "--levels", "xml"), "choose string, bytes, json, avro, protobuf"),
        (("--knob", "partition_by", "--key-skew", "9"), "--key-skew"),
        (("--plan", "nowhere.toml"), "No such file"),
        (("--plan", "plan.toml"), "acks=1 with enable.idempotence=true: idempotence needs acks=-1"),
        (("--plan", "plan.toml", "--knob", "linger.ms"), "exclude one another"),
        (("--plan", "plan.toml", "--levels", "1,2"), "belongs to --knob"),
        (("--plan", "fine.toml", "--repeats", "1"), "give 2 or more"),
        (("--plan", "fine.toml", "--duration", "9h"), "16 trials, which take about 144 hours"),
        (("--plan", "fine.toml", "--resume", "results/none"), "is no directory"),
        (("--plan", "fine.toml", "--resume", "a", "--output", "b"), "leave --output out"),
        (("--search", "fastest"), "known are visible-p95"),
        (("--search", "cpu", "--knobs", "acks"), "it risks something"),
        (("--search", "cpu", "--repeats", "5"), "no even number of 4 or more"),
        (("--search", "cpu", "--disturb", "join"), "--disturb: belongs to --knob and --plan"),
        (("--search", "cpu", "--kill", "sink"), "--kill: belongs to --knob and --plan"),
        (("--search", "cpu", "--rewrites", "1"), "--rewrites: belongs to --knob and --plan"),
        (("--knob", "linger.ms", "--knobs", "acks"), "belongs to --search"),
        (("--plan", "fine.toml", "--rewrites", "1"), "linger.ms, fetch.wait.max.ms is none"),
        (("--plan", "fine.toml", "--disturb", "join"), "at least 12 s are needed"),
        (("--plan", "fine.toml", "--kill", "api"), "known is sink"),
        (("--knob", "cleanup.policy", "--levels", "compact,delete;keep"), "cleanup.policy is 'keep': choose delete"),
        (("--knob", "offset_commits", "--kill", "broker"), "known is sink"),
        (("--knob", "assignor", "--levels", "sticky"), "the eager sticky assignor is not in librdkafka"),
        (("--knob", "assignor", "--disturb", "fall"), "known are join, leave, kill"),
        (("--knob", "assignor", "--disturb", "join,kill"), "at least 22 s"),
        (("--knob", "linger.ms", "--rewrites", "1"), "effect is on the disk"),
        (("--knob", "connections", "--levels", "0"), "choose 1 to 16"),
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
    (tmp_path / "plan.toml").write_text(REFUSED)
    (tmp_path / "fine.toml").write_text(FINE)
    given = [str(tmp_path / text) if text.endswith(".toml") else text for text in arguments]
    assert main(["tune", *given]) == 2
    assert words in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("", ()),
        ("1, 2", ("1", "2")),
        ("delete;compact,delete", ("delete", "compact,delete")),
        ("compact,delete;", ("compact,delete",)),
    ],
)
def test_levels_that_hold_commas_are_parted_by_semicolons(text: str, levels: tuple[str, ...]) -> None:
    """Others by commas, as in every list."""
    assert level_names(text) == levels


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
@pytest.mark.timeout(600)
def test_a_sweep_tells_what_a_level_does(tmp_path: Path) -> None:
    """A tenth of a second's linger is seen by every answer; all records are accounted for, all settings set back."""
    done = tune(
        tmp_path / "home",
        *("--knob", "linger.ms", "--levels", "150", "--rate", "200", "--users", "20", "--duration", "3s"),
        *("--warmup", "1s", "--repeats", "6", "--output", str(tmp_path / "out")),
        timeout_s=580,
    )
    result = read_result(tmp_path / "out" / "result.json")
    assert result.experiment == "tune"
    assert [arm.name for arm in result.arms] == ["linger.ms=10", "linger.ms=150"]
    assert result.arms[1].settings["tuned"]["api"] == {"SEAWALL_KAFKA_PRODUCER_PROPERTIES": '{"linger.ms":150}'}
    assert len(result.trials) == 12
    assert all(trial.audit.lost == trial.audit.pending == 0 for trial in result.trials)
    slower = [trial.response_ms.p50 for trial in result.trials if trial.arm == "linger.ms=150"]
    assert all(p50 is not None and p50 > 140 for p50 in slower)
    logs = {trial.arm: trial.log for trial in result.trials}
    quick, slow = logs["linger.ms=10"], logs["linger.ms=150"]
    assert quick is not None
    assert slow is not None
    assert (slow.records_per_request or 0) > 2 * (quick.records_per_request or 0) > 0
    assert slow.records > 400
    assert (quick.linger_ms, slow.linger_ms, slow.batch_bytes) == (10.0, 150.0, 1_000_000)
    assert (slow.rows_per_batch or 0) > 1
    assert done.returncode in (0, 4), done.stderr
    if result.outcome is Outcome.PASS:
        (row,) = [row for row in result.comparisons if row.metric == "response_p95_ms"]
        assert (row.significant, row.says) == (True, "larger")
        assert "linger.ms=150: response p95" in done.stdout
        assert AdviceKind.LINGER in {advice.kind for advice in result.advice if advice.arm == "linger.ms=150"}
        assert "the producer lets a record wait for others for linger.ms = 150" in " ".join(done.stdout.split())
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


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_plan_tells_effects_and_outlives_a_cell_that_breaks(tmp_path: Path) -> None:
    """The broker dies in its course; that cell is INVALID, the others follow, and --resume runs what is missing."""
    (tmp_path / "plan.toml").write_text(FINE)
    given = (
        *("--plan", str(tmp_path / "plan.toml"), "--rate", "100", "--users", "20", "--duration", "2s"),
        *("--warmup", "1s", "--repeats", "2"),
    )
    out = tmp_path / "out"
    with killed_once(tmp_path / "home", "kafka-1", after=out / "result.json"):
        tune(tmp_path / "home", *given, "--output", str(out), timeout_s=400)
    first = read_result(out / "result.json")
    assert len(first.trials) == 8
    assert {trial.arm for trial in first.trials} == {cell.arm for cell in first.cells}
    hurt = [trial for trial in first.trials if trial.restarts or trial.outcome is not Outcome.PASS]
    assert hurt
    assert not any(trial.audit.lost for trial in first.trials)
    kept = {trial.name for trial in first.trials if trial.outcome is not Outcome.INVALID}
    done = tune(tmp_path / "home", *given, "--resume", str(out), timeout_s=400)
    result = read_result(out / "result.json")
    assert len(result.trials) == 8
    again = {trial.name: trial.started_at for trial in result.trials}
    assert all(again[trial.name] == trial.started_at for trial in first.trials if trial.name in kept)
    assert {tuple(effect.factors) for effect in result.effects} == {
        ("linger.ms",),
        ("fetch.wait.max.ms",),
        ("linger.ms", "fetch.wait.max.ms"),
    }
    assert "cell-01" in done.stdout
    assert "What each knob did" in (out / "report.html").read_text()
    slow = {cell.arm for cell in result.cells if cell.levels["linger.ms"] == "60"}
    for trial in result.trials:
        if trial.outcome is Outcome.PASS and trial.arm in slow:
            assert (trial.response_ms.p50 or 0) > 55, (
                "every record lingers so long; how quick the others are is no test"
            )


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_plan_looks_at_the_disk_and_changes_the_sinks_group(tmp_path: Path) -> None:
    """As a sweep does: what is left, and how long partitions stood still, are figures that knobs have an effect on."""
    (tmp_path / "plan.toml").write_text(
        'design = "full"\n[factors]\n"cleanup.policy" = ["delete", "compact,delete"]\n"segment.ms" = [3000, 6000]\n'
    )
    out = tmp_path / "out"
    done = tune(
        tmp_path / "home",
        *("--plan", str(tmp_path / "plan.toml"), "--rate", "100", "--users", "20", "--duration", "12s"),
        *("--warmup", "1s", "--repeats", "2", "--disturb", "join", "--rewrites", "3", "--output", str(out)),
        timeout_s=1_150,
    )
    assert done.returncode in (0, 4), done.stderr
    result = read_result(out / "result.json")
    assert len(result.trials) == 8
    assert not any(trial.audit.violations for trial in result.trials)
    told = [trial for trial in result.trials if trial.outcome is Outcome.PASS]
    assert told
    for trial in told:
        assert trial.disk is not None
        assert trial.disk.rewritten > trial.audit.stored
        assert [one.what for one in trial.rebalances] == ["before", "join"]
    assert {effect.metric for effect in result.effects} >= {"left_bytes_per_record", "longest_stop_ms"}
    compacted = {cell.arm for cell in result.cells if cell.levels["cleanup.policy"] != "delete"}
    shares = {trial.arm: trial.disk.share or 0.0 for trial in told if trial.disk is not None}
    assert min(shares[arm] for arm in shares if arm in compacted) < 0.9
    assert all(shares[arm] > 0.99 for arm in shares if arm not in compacted)
    for said in ("What is left on disk", "What changes of the sinks' group came to"):
        assert said in done.stdout


@contextmanager
def killed_once(home: Path, service: str, after: Path) -> Iterator[None]:
    """Kill the process of a service as soon as a file is there, once, while the block runs."""

    def kill() -> None:
        while not after.exists():
            if over.wait(0.1):
                return
        state = json.loads((home / "stack.json").read_text())
        os.kill(state["services"][service]["pid"], signal.SIGKILL)

    over = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_search_ends_with_fresh_trials(tmp_path: Path) -> None:
    """Levels of one knob, the better half of them again, and in the end the best against the base, there and back."""
    done = tune(
        tmp_path / "home",
        *("--search", "response-p95", "--knobs", "linger.ms", "--rate", "100", "--users", "20", "--duration", "2s"),
        *("--warmup", "1s", "--repeats", "4"),
        *("--output", str(tmp_path / "out")),
        timeout_s=800,
    )
    result = read_result(tmp_path / "out" / "result.json")
    assert result.search is not None, done.stderr
    assert [step.round for step in result.search.steps if step.arm == "base"] == [1, 2, 3]
    fresh = [trial.arm for trial in result.trials if "-fresh-" in trial.name]
    assert len(fresh) in (0, 8)
    if result.search.better:
        assert read_settings(tmp_path / "out" / "best.toml").producer["linger.ms"] in (0, 1, 5)
        assert "SEAWALL_KAFKA_PRODUCER_PROPERTIES=" in (tmp_path / "out" / "best.env").read_text()
    else:
        assert not (tmp_path / "out" / "best.toml").exists()
    assert result.search.says in done.stdout

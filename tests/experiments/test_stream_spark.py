"""A Spark job on real servers: each review's features once by key, whatever its settings, and also after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from spark_home import spark_home

from contract.topics import PARTITIONS
from seawall.experiments.errors import BadOptions
from seawall.experiments.stream_spark import SparkRun
from seawall.experiments.stream_spark_options import AFTER, ARMS, BEFORE, BURST, FACTORS, WARMUP, SparkOptions
from seawall.result import Outcome, Result
from seawall.result.spark import BASELINE, KILLED, TUNED, SparkFinding
from seawall.stack.errors import NoJava, NoSpark, ServerFailed
from seawall.stack.ports import free_ports
from seawall.stack.spark import SparkProcess, connector, find_spark_java, require_spark
from seawall.stack.stack import Stack


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {arm}")

    def job_goes_on(self, sent: int, done: int) -> None:
        """Hold one against the other."""
        assert 0 <= done <= sent

    def finding(self, number: int, total: int, finding: SparkFinding) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {finding.arm} ended")


@pytest.fixture
def spark() -> Path:
    """Return the home of Spark's Java; without Spark and that the test is left out."""
    return spark_home()


@pytest.fixture
def clean(stack: Stack) -> Iterator[Stack]:
    """Leave neither rows nor records to other tests."""
    yield stack
    stack.fresh()


def run(stack: Stack, directory: Path, **options: Any) -> Result:
    """Run it, with few reviews."""
    few = {"reviews": 120, "steps": 6, "rate_per_s": 40.0}
    return SparkRun(SparkOptions(**{**few, **options}), stack, directory).run(Notes(), lambda _: None)


def nothing_wrong(one: SparkFinding, reviews: int) -> bool:
    """Tell whether the features of each review are there, and all of them equal to what plain Python finds."""
    return one.distinct == one.acknowledged == one.reviews == reviews and not (
        one.missing or one.phantom or one.differing
    )


@pytest.mark.timeout(600)
def test_a_job_that_is_killed_goes_on_from_its_checkpoint(spark: Path, clean: Stack, tmp_path: Path) -> None:
    """With reviews that come twice: nothing is lost, and what is written again has its key and is the same."""
    (one,) = run(clean, tmp_path, arms=(KILLED,), reviews=60, steps=2).spark
    assert nothing_wrong(one, 60 + WARMUP + BURST), one.reasons
    assert one.outcome is Outcome.PASS
    assert one.messages > one.reviews
    assert WARMUP < one.killed_at < one.reviews
    assert one.back_s is not None
    assert one.written == one.distinct + one.repeats
    assert min(one.java_bytes, one.python_bytes) > 1 << 20
    assert 0 < one.state_rows < one.reviews
    assert not (tmp_path / "raw" / "01-all-killed" / "checkpoint").exists()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_lists_of_jobs_come_to_the_same(spark: Path, clean: Stack, tmp_path: Path) -> None:
    """They keep more, and lose nothing either; how often a list is written again depends on the machine."""
    base, tuned = run(clean, tmp_path, arms=(BASELINE, TUNED)).spark
    for one in (base, tuned):
        assert nothing_wrong(one, 120 + WARMUP + BURST), one.reasons
        assert one.written == one.distinct + one.repeats
    assert tuned.repeats == 0
    assert base.state_bytes > tuned.state_bytes


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_master_that_is_not_there_is_said(spark: Path, clean: Stack, tmp_path: Path) -> None:
    """With its address, at once, and no process remains."""
    master = f"spark://127.0.0.1:{free_ports(1)[0]}"
    settings = {**SparkOptions().place(), **AFTER, "master": master}
    process = SparkProcess(clean, "job", tmp_path, settings, java_home=spark, jars=connector())
    with process, pytest.raises(ServerFailed, match=f"no Spark master answers at {master}"):
        process.await_start()
    assert process.exit_code == 1


def test_without_spark_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the lock that is there."""

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("seawall.stack.spark.version", missing)
    with pytest.raises(NoSpark, match=r"pip install --require-hashes -r requirements-spark\.lock"):
        require_spark()


def test_another_java_than_17_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a variable names it; the message names what was found, and what to install."""
    other = tmp_path / "java"
    other.write_text("#!/bin/sh\necho 'openjdk version \"25.0.1\" 2026' >&2\n", encoding="ascii")
    other.chmod(0o755)
    monkeypatch.setenv("SEAWALL_SPARK_JAVA", str(other))
    with pytest.raises(NoJava, match=r"Spark needs Java 17 \(SEAWALL_SPARK_JAVA: .* is Java 25\.0\.1\).*openjdk-17"):
        find_spark_java()
    monkeypatch.setenv("SEAWALL_SPARK_JAVA", str(tmp_path / "nothing"))
    with pytest.raises(NoJava, match="does not run"):
        find_spark_java()


def test_each_arm_changes_what_its_name_says() -> None:
    """One factor at a time, and all of them together."""
    options = SparkOptions()
    assert options.job(BASELINE) == BEFORE
    assert options.job(TUNED) == options.job(KILLED) == AFTER
    changed: list[str] = []
    for arm, names in FACTORS.items():
        found = {name for name, value in options.job(arm).items() if value != BEFORE[name]}
        assert found == set(names)
        changed += names
    assert sorted(changed) == sorted(BEFORE)
    assert set(ARMS) == {BASELINE, *FACTORS, TUNED, KILLED}
    assert options.partitions < PARTITIONS


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"arms": ("fast",)}, "--arms"),
        ({"reviews": 1}, "--reviews"),
        ({"repeats": 2.0}, "--repeats"),
        ({"master": "mesos://x"}, "--master"),
        ({"driver_memory": "much"}, "--driver-memory"),
        ({"drain_timeout_s": 0.0}, "--drain-timeout"),
    ],
)
def test_what_cannot_be_run_is_refused(wrong: dict[str, Any], says: str) -> None:
    """With the option's name."""
    with pytest.raises(BadOptions, match=says):
        SparkOptions(**wrong).validate()

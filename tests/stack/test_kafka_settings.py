"""A stack that is started with settings of Kafka's parts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from seawall.cli.app import main
from seawall.cli.kafka_settings_file import kafka_settings
from seawall.stack.state import StackState, read_state

MINE = """
about = "for the test"
[producer]
"linger.ms" = 1
[consumer]
"fetch.wait.max.ms" = 7
[sink]
SEAWALL_SINK_BATCH_SIZE = 11
[topic]
"flush.messages" = 5
[broker]
"num.io.threads" = 3
"log.cleaner.enable" = false
[stack]
partitions = 6
heap = "256m"
collector = "ZGC"
"""


def seawall(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a verb with a home of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", *words],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env={**os.environ, "SEAWALL_HOME": str(home), "COLUMNS": "200"},
    )


def environment_of(state: StackState, service: str) -> dict[str, str]:
    """Return what the process was started with."""
    pid = state.services[service].pid
    assert pid is not None
    return psutil.Process(pid).environ()


@pytest.mark.long
def test_every_part_is_started_with_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the servers report them; and a second `up` with others is refused."""
    home, mine = tmp_path / "home", tmp_path / "mine.toml"
    mine.write_text(MINE)
    done = seawall(home, "up", "--settings", str(mine))
    assert done.returncode == 0, done.stderr
    try:
        monkeypatch.setenv("SEAWALL_HOME", str(home))
        state = read_state()
        assert state is not None
        assert environment_of(state, "api")["SEAWALL_KAFKA_PRODUCER_PROPERTIES"] == '{"linger.ms":1}'
        sink = environment_of(state, "sink-1")
        assert sink["SEAWALL_SINK_CONSUMER_PROPERTIES"] == '{"fetch.wait.max.ms":7}'
        assert sink["SEAWALL_SINK_BATCH_SIZE"] == "11"
        from seawall.stack.stack import Stack  # noqa: PLC0415 - reads SEAWALL_HOME as it is now

        stack = Stack(state)
        topics = stack.settings()["kafka"]["topics"]
        assert {topic["flush.messages"] for topic in topics.values()} == {"5"}
        kafka = stack.settings()["kafka"]
        assert (kafka["topics"]["seawall.users"]["partitions"], kafka["heap"], kafka["collector"]) == (6, "256m", "ZGC")
        assert state.partitions == 6
        broker = psutil.Process(state.services["kafka-1"].pid).cmdline()
        assert {"-Xmx256m", "-XX:+UseZGC"} <= {*broker}
        assert stack.settings()["started_with"]["broker"] == {"num.io.threads": 3, "log.cleaner.enable": False}
        admin = AdminClient({**stack.connections.kafka, "log_level": 0})
        (found,) = admin.describe_configs([ConfigResource(ResourceType.BROKER, "1")]).values()
        assert found.result()["num.io.threads"].value == "3"
        assert found.result()["log.cleaner.enable"].value == "false"
        stack.close()
        other = seawall(home, "up")
        assert other.returncode == 2
        assert "settings" in other.stderr
    finally:
        assert seawall(home, "down").returncode == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[producer]\n"acks" = 1\n', "idempotence needs acks=-1"),
        ('[topic]\n"min.insync.replicas" = 2\n', "no write could be acknowledged"),
        ("[producer\n", "table declaration"),
    ],
)
def test_a_file_that_cannot_be_meant_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    """Refused with the file's name."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    mine = tmp_path / "mine.toml"
    mine.write_text(text)
    assert main(["up", "--settings", str(mine)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert words in said
    assert "mine.toml" in said
    assert not (tmp_path / "home").exists()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["balanced", "durability", "latency", "throughput"])
def test_a_stack_starts_with_each_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """API and sink have its properties, and `compare --profile` runs on it: records come to their rows."""
    home = tmp_path / "home"
    done = seawall(home, "up", "--profile", name)
    assert done.returncode == 0, done.stderr
    try:
        monkeypatch.setenv("SEAWALL_HOME", str(home))
        state = read_state()
        assert state is not None
        wanted = kafka_settings(None, 1, name)
        assert state.options.settings == wanted
        for service, kind in (("api", "api"), ("sink-1", "sink")):
            assert wanted.variables().get(kind, {}).items() <= environment_of(state, service).items()
        few = ("--paths", "kafka", "--parts", "data", "--entities", "users", "--counts", "20", "--blocks", "1")
        compared = seawall(home, "compare", *few, "--profile", name, "--output", str(tmp_path / "out"))
        assert compared.returncode == 0, compared.stderr
        assert "Using the stack that is up" in compared.stderr
    finally:
        assert seawall(home, "down").returncode == 0

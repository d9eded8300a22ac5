"""Kafka's own `kafka-producer-perf-test` and `kafka-consumer-perf-test`, from the jar with its tools."""

from __future__ import annotations

import csv
import io
import re
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.errors import ProcessFailed
from seawall.stack.jars import JarCache, read_lock
from seawall.stack.java import find_java

_LOCK = Path(__file__).with_name("kafka_tools.lock")
_FLAGS = ("-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-Djava.awt.headless=true")
"""Those of Kafka's own start scripts, as far as they decide on speed."""
_LONGEST_S = 600
_SAID_CHARACTERS = 600
_STEADY = re.compile(r"^(\d+) steady state records sent, ([\d.]+) records/sec", re.MULTILINE)
_SASL = "org.apache.kafka.common.security.plain.PlainLoginModule"


class Read(NamedTuple):
    """What the consumer's tool says of its run."""

    records: int
    records_per_s: float
    """From the group's first assignment on."""


class KafkaTools:
    """The tools on one cluster; *directory* holds what they are told, the password among it."""

    def __init__(self, connection: Mapping[str, Any], directory: Path) -> None:
        """*connection* holds librdkafka's settings; jars that are missing are fetched. Raises `NoJava`."""
        self._connection, self._directory = connection, directory
        self._java = find_java().program
        kafka, tools = JarCache(), JarCache(jars=read_lock(_LOCK))
        for jars in (kafka, tools):
            jars.fetch(jars.missing())
        self._class_path = f"{kafka.class_path()}:{tools.class_path()}"

    def produce(
        self, topic: str, payloads: Path, records: int, warmup_records: int, settings: Mapping[str, object]
    ) -> float:
        """Send *records* after those that only warm up, as fast as it goes, and return how many a second.

        Payloads are drawn from a file with one a line. All are acknowledged when the clock stops, as far as *settings*
        ask for that. Raises `ProcessFailed`.
        """
        said = self._run(
            "ProducerPerformance",
            *("--topic", topic, "--num-records", str(warmup_records + records)),
            *("--warmup-records", str(warmup_records), "--throughput", "-1", "--payload-file", str(payloads)),
            *("--command-config", str(self._properties("producer", settings))),
        )
        found = _STEADY.findall(said)
        if not found or int(found[-1][0]) != records:
            raise ProcessFailed(
                f"kafka-producer-perf-test said nothing of {records} records: {said[-_SAID_CHARACTERS:]}"
            )
        return float(found[-1][1])

    def consume(self, topic: str, group: str, records: int, settings: Mapping[str, object]) -> Read:
        """Read *records* of a topic from its begin; raises `ProcessFailed`."""
        said = self._run(
            "ConsumerPerformance",
            *("--bootstrap-server", str(self._connection["bootstrap.servers"]), "--topic", topic, "--group", group),
            *("--num-records", str(records), "--socket-buffer-size=-1"),
            *("--command-config", str(self._properties("consumer", settings))),
        )
        return read_line(said)

    def _run(self, tool: str, *arguments: str) -> str:
        command = [str(self._java), *_FLAGS, "-cp", self._class_path, f"org.apache.kafka.tools.{tool}", *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(f"{tool} did not come to its end within {_LONGEST_S} s") from None
        if done.returncode:
            raise ProcessFailed(f"{tool} ended with code {done.returncode}: {done.stderr[-_SAID_CHARACTERS:]}")
        return done.stdout

    def _properties(self, name: str, settings: Mapping[str, object]) -> Path:
        place = self._directory / f"{name}.properties"
        place.touch(mode=0o600)
        lines = {**java_connection(self._connection), **settings}
        place.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="ascii")
        return place


def java_connection(connection: Mapping[str, Any]) -> dict[str, str]:
    """Return librdkafka's settings to reach a cluster, by Java's names."""
    found = {name: str(connection[name]) for name in ("bootstrap.servers", "security.protocol") if name in connection}
    if "sasl.username" in connection:
        found["sasl.mechanism"] = str(connection["sasl.mechanism"])
        user, password = connection["sasl.username"], connection["sasl.password"]
        found["sasl.jaas.config"] = f'{_SASL} required username="{user}" password="{password}";'
    return found


def read_line(said: str) -> Read:
    """Return what the consumer's tool printed, a line of names and one of figures; raises `ProcessFailed`."""
    rows = list(csv.reader(io.StringIO(said), skipinitialspace=True))
    for names, figures in pairwise(rows):
        if "fetch.nMsg.sec" in names and len(names) == len(figures):
            found = dict(zip(names, figures, strict=True))
            return Read(int(found["data.consumed.in.nMsg"]), float(found["fetch.nMsg.sec"]))
    raise ProcessFailed(f"kafka-consumer-perf-test said nothing of what it read: {said[-_SAID_CHARACTERS:]}")

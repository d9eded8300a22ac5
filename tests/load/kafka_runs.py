"""Locust with users of Kafka, for the tests of them."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

LOCUST = str(Path(sys.executable).with_name("locust"))
RECORDS = ROOT / "locustfiles" / "kafka.py"
WATCHING = "seawall.load.kafka.watch_process"


class Run:
    """One Locust in a directory of its own."""

    def __init__(self, directory: Path, file: Path, *arguments: str, **settings: str) -> None:
        directory.mkdir(exist_ok=True)
        self.directory, self.log = directory, directory / "locust.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["env", "--default-signal=INT", LOCUST, "-f", str(file), "--headless", *arguments],
                cwd=directory, stdout=log, stderr=log, env={**os.environ, **settings}, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        """Return all that it wrote."""
        return self.log.read_text()

    def wait_for(self, condition: Callable[[], object], within_s: float = 60) -> None:
        """Wait until *condition* holds."""
        deadline = time.monotonic() + within_s
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def end(self, number: signal.Signals | None = None, within_s: float = 90) -> int:
        """Send a signal, if one is given, and return the exit code; nothing that it started is left."""
        try:
            started = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            started = []
        try:
            if number is not None:
                self.process.send_signal(number)
            code = self.process.wait(within_s)
            _, left = psutil.wait_procs(started, timeout=5)
            assert not left, left
            return code
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """Return Locust's process and all below it."""
        try:
            whole = psutil.Process(self.process.pid)
            return [whole, *whole.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def table(self) -> dict[str, dict[str, str]]:
        """Return the lines of Locust's statistics by type and name."""
        with (self.directory / "out_stats.csv").open() as file:
            return {f"{line['Type']} {line['Name']}".strip(): line for line in csv.DictReader(file)}

    def record(self) -> dict[str, Any]:
        """Return what was written down about the run."""
        found: dict[str, Any] = json.loads((self.directory / "out_requests" / "run.json").read_text())
        return found

    def requests(self) -> int:
        """Return how many requests Locust's file tells of by now."""
        path = self.directory / "out_stats.csv"
        return int(self.table().get("Aggregated", {}).get("Request Count") or 0) if path.exists() else 0


def clients_of(run: Run) -> list[int]:
    """Return how many clients of librdkafka live in each process of a run: each client has one main thread."""
    counts = []
    for process in run.processes():
        with contextlib.suppress(OSError):
            names = [(task / "comm").read_text().strip() for task in Path(f"/proc/{process.pid}/task").iterdir()]
            counts.append(names.count("rdk:main"))
    return counts


def create_topic(stack: Stack, name: str) -> None:
    """Create a topic with two partitions."""
    admin = AdminClient(stack.connections.kafka)
    for future in admin.create_topics([NewTopic(name, 2, 1)]).values():
        future.result(10)


def delete_topic(stack: Stack, name: str) -> None:
    """Delete a topic."""
    admin = AdminClient(stack.connections.kafka)  # its answers come as long as it lives
    for future in admin.delete_topics([name]).values():
        future.result(10)


def messages_of(stack: Stack, topics: Iterable[str]) -> list[Message]:
    """Return everything that lies in the topics."""
    consumer = Consumer({
        **stack.connections.kafka, "group.id": "tests", "enable.auto.commit": False, "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
    })  # fmt: skip
    try:
        known = consumer.list_topics(timeout=10).topics
        places = [TopicPartition(topic, number, 0) for topic in topics for number in known[topic].partitions]
        consumer.assign(places)
        found, unread = [], {(place.topic, place.partition) for place in places}
        while unread:
            for message in consumer.consume(1_000, 0.1):
                error = message.error()
                if error is None:
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard((message.topic(), message.partition()))
        return found
    finally:
        consumer.close()

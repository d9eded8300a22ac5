"""The reviews' worker and the model's service as the instrument runs them: processes of their own, never imported."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from contract.make_topics import create_own_topic
from contract.reviews import LIST, TOPICS
from seawall.stack.children import last_lines
from seawall.stack.errors import ServerFailed, Unreachable
from seawall.stack.log import delete_records
from seawall.stack.stack import Stack
from seawall.stack.worker import Worker

MODEL, REVIEWER = "model", "reviewer"
_READY_S, _ASKED_S = 180.0, 10.0
_LOOK_S = 0.1


class ModelProcess(Worker):
    """The model's service, with what is simulated as its variables name it without ``SEAWALL_MODEL_``."""

    def __init__(self, stack: Stack, place: Path, simulated: Mapping[str, object], *, port: int = 0) -> None:
        """Start it on *port*, a free one where that is 0; its log lies in *place*."""
        variables = {f"SEAWALL_MODEL_SIMULATED_{name.upper()}": str(value) for name, value in simulated.items()}
        variables |= {"SEAWALL_MODEL_PORT": str(port), "SEAWALL_MODEL_HOST": "127.0.0.1", "SEAWALL_MODEL_API_KEY": ""}
        super().__init__("workers.review_model", stack, variables, output=place / "model.out", log=place / "model.log")
        self.url = ""
        """Base of its API, once it is ready."""

    def __enter__(self) -> Self:
        """Wait until it listens; raises `ServerFailed`."""
        try:
            await_said(self, self.lines)
            self.url = self.lines()[0].decode()
        except BaseException:
            self.stop()
            raise
        return self

    def counts(self) -> dict[str, int]:
        """Return what it has counted; raises `ServerFailed` where it does not answer."""
        try:
            with urllib.request.urlopen(self.url.removesuffix("/v1") + "/counts", timeout=_ASKED_S) as answer:  # noqa: S310 - our own
                found: dict[str, int] = json.load(answer)
        except (OSError, ValueError) as error:
            raise ServerFailed(f"the model's service does not answer: {error}; see {self.log}") from None
        return found


class ReviewsProcess(Worker):
    """The worker, whose lines are JSON, with settings as its variables name them without ``SEAWALL_REVIEWS_``."""

    def __init__(
        self, stack: Stack, name: str, place: Path, settings: Mapping[str, object], variables: Mapping[str, str] = {}
    ) -> None:
        """Start it; its output and log lie in *place* under its *name*."""
        own = {f"SEAWALL_REVIEWS_{key.upper()}": str(value) for key, value in settings.items()}
        output, log = place / f"{name}.jsonl", place / f"{name}.log"
        super().__init__("workers.reviews", stack, {**own, **variables}, output=output, log=log)

    def await_partitions(self) -> None:
        """Return once it reads partitions; raises `ServerFailed`."""
        await_said(self, lambda: any(b'"assigned":[' in line for line in self.lines()))


def await_said(worker: Worker, said: Callable[[], object], within_s: float = _READY_S) -> None:
    """Return once *said* holds; raises `ServerFailed` where the process ends before, or takes longer."""
    deadline_s = time.monotonic() + within_s
    while not said():
        if worker.exit_code is not None:
            raise ServerFailed(f"{worker.module} ended; the end of {worker.log}:\n{last_lines(worker.log)}")
        if time.monotonic() > deadline_s:
            raise ServerFailed(f"{worker.module} was not ready after {within_s:.0f} s; see {worker.log}")
        time.sleep(_LOOK_S)


def empty_job_lists(kafka: dict[str, Any]) -> None:
    """Make the topic of lists where it is not there yet, and delete its records; raises `Unreachable`.

    No sink reads it, so it is none of the topics that every stack has.
    """
    empty_topic(kafka, TOPICS[LIST])


def empty_topic(kafka: dict[str, Any], topic: str) -> None:
    """Make *topic* where it is not there yet, and delete its records; raises `Unreachable`."""
    try:
        admin = AdminClient({**kafka, "log_level": 0})
        create_own_topic(admin, topic)
        numbers = admin.list_topics(topic, timeout=_ASKED_S).topics[topic].partitions
        delete_records(admin, [TopicPartition(topic, number) for number in numbers])
    except KafkaException as error:
        raise Unreachable(f"Kafka: {error.args[0].str()}; `bin/seawall doctor` says more") from None

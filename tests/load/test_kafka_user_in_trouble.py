"""Users that write straight to Kafka, when brokers stand still, die, or the run is ended."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kafka_runs import RECORDS, Run, create_topic, delete_topic
from service_processes import eventually

from seawall.audit.ledger import read_ledger
from seawall.result import Outcome, read_result
from seawall.stack.errors import Unreachable
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack

HANDED_OVER = """
import os
from locust import task
from seawall.load import KafkaUser

class Clicks(KafkaUser):
    topic = os.environ["TOPIC"]

    @task
    def click(self):
        self.produce({"n": self.number}, key=str(self.number), wait=False)
"""
BROKER = "kafka-1"


@pytest.fixture
def topic(stack: Stack) -> Iterator[str]:
    """Give a test a topic of its own."""
    name = f"tests-{uuid.uuid4()}"
    create_topic(stack, name)
    yield name
    delete_topic(stack, name)


def is_whole(stack: Stack) -> bool:
    """Tell whether all of the stack works."""
    try:
        return not stack.missing()
    except Unreachable:
        return False


@pytest.mark.long
def test_a_broker_that_stands_still_keeps_no_user_from_its_schedule(stack: Stack, topic: str, tmp_path: Path) -> None:
    """What was due while it stood still was sent meanwhile: nothing waits in gevent's thread; all is acknowledged."""
    file = tmp_path / "clicks.py"
    file.write_text(HANDED_OVER)
    run = Run(tmp_path / "run", file, *("--csv", "out", "-u", "50", "-r", "50", "--user-rate", "10"), TOPIC=topic)
    run.wait_for(lambda: run.requests() > 100)
    stack.signal(BROKER, signal.SIGSTOP)
    try:
        begin_ns = time.monotonic_ns()
        time.sleep(2)
        end_ns = time.monotonic_ns()
    finally:
        stack.signal(BROKER, signal.SIGCONT)
    before = run.requests()
    run.wait_for(lambda: run.requests() > before + 700)
    run.end(signal.SIGINT)
    ledger = read_ledger(run.directory / "out_requests")
    assert set(ledger.status.tolist()) == {202}, run.said()
    assert run.record()["unsent"] == 0
    held = (ledger.intended_ns > begin_ns) & (ledger.intended_ns < end_ns - 500_000_000)
    assert 650 < held.sum() <= 800  # 500 a second for a second and a half
    assert (ledger.sent_ns[held] < end_ns).all()
    assert (ledger.answered_ns[held & (ledger.sent_ns < end_ns - 10**9)] > end_ns - 10**9).all()
    seen = read_ledger(run.directory / "out_requests" / "seen")
    assert len(seen.status) == len(ledger.status)
    assert (seen.status == 200).all()


@pytest.mark.long
@pytest.mark.timeout(240)
def test_what_a_killed_broker_did_not_acknowledge_is_unknown(stack: Stack, tmp_path: Path) -> None:
    """The run ends while the broker is dead: nothing acknowledged is lost, and of the rest nobody claims anything."""
    stack.fresh()
    run = Run(
        tmp_path / "run",
        RECORDS,
        "Records",
        "--no-verdict",
        "--csv",
        "out",
        "-u",
        "40",
        "-r",
        "40",
        "--user-rate",
        "10",
    )
    run.wait_for(lambda: run.requests() > 400)
    with stack.held_down(BROKER):
        stack.signal(BROKER, signal.SIGKILL)
        time.sleep(1)
        run.end(signal.SIGTERM)
    assert "were not acknowledged before the end: their outcome is unknown" in run.said()
    eventually(lambda: is_whole(stack), 60)
    ledger = read_ledger(run.directory / "out_requests")
    assert set(ledger.status.tolist()) == {0, 202}
    assert (ledger.entity[ledger.status == 0] > 0).all()
    assert 1 <= (ledger.status == 0).sum() <= 40  # each user waits for one
    from seawall.cli.recorded import main  # noqa: PLC0415

    main([str(run.directory / "out_requests"), "--targets", str(RECORDS.parents[1] / "targets.toml")])
    (trial,) = read_result(run.directory / "out_requests" / "result.json").trials
    assert trial.audited
    assert trial.audit.clean, trial.audit
    assert trial.audit.unknown == (ledger.status == 0).sum()
    assert trial.outcome is not Outcome.FAIL


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_broker_killed_in_mid_run_makes_acks_late_and_loses_nothing(stack: Stack, tmp_path: Path) -> None:
    """It comes back while the run goes on: users wait, then send what they owe, in their order."""
    stack.fresh()
    run = Run(tmp_path / "run", RECORDS, "Records", "--csv", "out", "-u", "20", "-r", "20", "--user-rate", "10")
    run.wait_for(lambda: run.requests() > 200)
    stack.signal(BROKER, signal.SIGKILL)
    before = run.requests()
    run.wait_for(lambda: run.requests() > before + 300)
    run.end(signal.SIGTERM)
    (trial,) = read_result(run.directory / "out_result.json").trials
    assert trial.audit.clean, trial.audit
    assert trial.audit.stored >= trial.audit.acknowledged > 500
    assert trial.response_ms.max is None or trial.response_ms.max > 1_000


@pytest.mark.long
def test_a_terminals_ctrl_c_reaches_all_processes_and_loses_nothing(stack: Stack, tmp_path: Path) -> None:
    """Two workers, and the whole group is told at once: the union is exact, and nobody is left."""
    stack.fresh()
    port = str(free_ports(1)[0])
    run = Run(
        tmp_path / "run", RECORDS, "Records", "--csv", "out", "-u", "40", "-r", "40", "--user-rate", "5",
        *("--processes", "2", "--master-port", port, "--master-bind-port", port),
    )  # fmt: skip
    run.wait_for(lambda: run.requests() > 300)
    os.killpg(run.process.pid, signal.SIGINT)
    assert run.end() in (0, 3, 4), run.said()
    ledger = read_ledger(run.directory / "out_requests")
    seen = read_ledger(run.directory / "out_requests" / "seen")
    assert {user >> 16 for user in ledger.user.tolist()} == {0, 1}
    assert np.array_equal(np.sort(seen.low), np.sort(ledger.low))
    (trial,) = read_result(run.directory / "out_result.json").trials
    assert trial.audit.stored == trial.audit.attempted == len(ledger.status)
    assert "Traceback" not in run.said()

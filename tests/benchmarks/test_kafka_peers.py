"""The benchmark beside Kafka's own tools: what both are told, how it reads them, and its quick form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import ProcessFailed
from benchmarks.kafka_peers import figure_of, in_turns, java_consumer, java_producer
from benchmarks.kafka_tools import java_connection, read_line

SAID = """start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, \
fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec
2026-11-20 10:00:00:000, 2026-11-20 10:00:04:000, 286.1023, 71.5256, 1000000, 250000.0000, 3000, 1000, 286.1, 1000000.5
"""


def test_java_is_told_what_our_producer_is_made_with() -> None:
    """By its own names and in its own spelling; what only librdkafka has is left out."""
    ours = {"acks": "all", "enable.idempotence": True, "linger.ms": 10.0, "compression.type": "lz4", "client.id": "x"}
    assert java_producer(ours) == {
        "acks": "all", "enable.idempotence": "true", "linger.ms": 10, "compression.type": "lz4",
        "max.in.flight.requests.per.connection": 5, "batch.size": 1_000_000,
    }  # fmt: skip


def test_java_is_told_what_a_sink_fetches_by() -> None:
    """The fetch's longest wait has another name there."""
    found = java_consumer({"fetch.min.bytes": 1_000_000, "fetch.wait.max.ms": 40}, 2_000)
    assert found["fetch.max.wait.ms"] == 40
    assert found["max.poll.records"] == 2_000
    assert found["check.crcs"] == "false"


def test_the_password_reaches_java() -> None:
    """As the line that its login module reads; without one there is none."""
    known = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "SASL_PLAINTEXT"}
    found = java_connection({**known, "sasl.mechanism": "PLAIN", "sasl.username": "u", "sasl.password": "p"})
    assert found["sasl.jaas.config"].endswith('required username="u" password="p";')
    assert java_connection(known) == known


def test_the_consumers_tool_is_read_by_its_names() -> None:
    """The rate is that after the group had its partitions; anything else is no figure."""
    assert read_line(SAID) == (1_000_000, 1_000_000.5)
    with pytest.raises(ProcessFailed, match="said nothing"):
        read_line("WARNING: Exiting before consuming the expected number of records\n")


def test_both_run_in_turns_and_the_ratio_is_that_of_a_round() -> None:
    """There and back; a machine that slows down between rounds moves no ratio."""
    order = []

    def ours() -> float:
        order.append("ours")
        return 100.0 * len(order)

    def theirs() -> float:
        order.append("theirs")
        return 200.0

    in_turns(ours, theirs, 3)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    figure = figure_of("producer", np.array([50.0, 500.0]), np.array([100.0, 1_000.0]), least=0.5)
    assert figure.error == "0.50 (0.50 to 0.50) times"
    assert figure.reached
    assert not figure_of("producer", np.array([40.0]), np.array([100.0]), least=0.5).reached
    assert figure_of("consumer", np.array([40.0]), np.array([100.0])).reached is None


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_quick_form_runs_both_on_one_cluster(tmp_path: Path) -> None:
    """A row for writing, with what is asked of it, and one for reading; both with an interval."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "bench", "kafka_peers", "--quick", "--json"],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "SEAWALL_HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert [figure["name"] for figure in found["figures"]] == ["producer, acks=all, idempotent", "consumer"]
    assert all(figure["measured"] > 0 < figure["beside"] and "(" in figure["error"] for figure in found["figures"])
    assert found["reached"] == (done.returncode == 0)

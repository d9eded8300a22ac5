"""The server of known times: what it draws, when it freezes, and that its log is true."""

from __future__ import annotations

import csv
import http.client
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controls.latency_server import Freezes, ServiceTimes
from seawall.stack.places import ROOT


@contextmanager
def running(*arguments: str) -> Iterator[int]:
    """Run the server and give its port; it has to end with code 0."""
    process = subprocess.Popen(
        [sys.executable, "-m", "controls.latency_server", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    found = re.search(r":(\d+)$", process.stdout.readline())
    assert found is not None
    try:
        yield int(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_time_within_a_freeze_moves_to_its_end() -> None:
    """The last half second of every five is frozen."""
    freezes = Freezes(0.5, 5.0, 100.0)
    assert freezes.thaw_s(104.4) == 104.4
    assert freezes.thaw_s(104.6) == 105.0
    assert freezes.thaw_s(109.9) == 110.0
    assert Freezes(0.0, 5.0, 100.0).thaw_s(104.6) == 104.6


@pytest.mark.parametrize(("freeze_s", "every_s"), [(-1.0, 5.0), (5.0, 5.0)])
def test_a_freeze_without_end_is_refused(freeze_s: float, every_s: float) -> None:
    """Something has to be answered."""
    with pytest.raises(ValueError, match="freeze"):
        Freezes(freeze_s, every_s, 0.0)


def test_service_times_follow_from_the_seed_and_have_the_stated_distribution() -> None:
    """The same seed draws the same times; their logarithm has the given median and deviation."""
    first, second = ServiceTimes(10.0, 0.5, 1), ServiceTimes(10.0, 0.5, 1)
    drawn = [first.draw_s() for _ in range(20_000)]
    assert drawn[:100] == [second.draw_s() for _ in range(100)]
    assert statistics.median(drawn) == pytest.approx(0.010, rel=0.02)
    assert statistics.quantiles(drawn, n=20)[18] == pytest.approx(0.010 * 2.718281828 ** (1.6449 * 0.5), rel=0.03)
    assert ServiceTimes(10.0, 0.0, 1).draw_s() == 0.010


def test_the_log_holds_each_answer_and_a_client_sees_no_less(tmp_path: Path) -> None:
    """What the log says lies between what was drawn and what the client measured; probes are not in it."""
    log = tmp_path / "log.csv"
    with running("--median-ms", "20", "--log", str(log)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        seen_ms = []
        for method, path, status in (
            ("POST", "/v1/sync/users", 201),
            ("GET", "/anything", 200),
            ("GET", "/livez", 200),
        ):
            began_ns = time.monotonic_ns()
            connection.request(method, path, body=b"{}" if method == "POST" else None)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (status, b"{}")
            seen_ms.append((time.monotonic_ns() - began_ns) / 1e6)
        connection.close()
    with log.open() as file:
        logged_ms = [(int(row["answered_ns"]) - int(row["read_ns"])) / 1e6 for row in csv.DictReader(file)]
    assert len(logged_ms) == 2
    for logged, seen in zip(logged_ms, seen_ms, strict=False):
        assert 20 <= logged <= seen

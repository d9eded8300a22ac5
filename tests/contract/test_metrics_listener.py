"""`/metrics` in a thread of its own."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from contract.errors import BadApiKeys
from contract.histogram import Durations
from contract.metrics_listener import MetricsListener


def listening() -> str:
    """Return where a listener of this process shows what every process has."""
    listener = MetricsListener("127.0.0.1", 0, [], None, setting="X")
    listener.start()
    return listener.url


def test_it_serves_metrics_and_nothing_else() -> None:
    """HEAD too, without a body."""
    url = listening()
    assert "process_resident_memory_bytes" in httpx.get(f"{url}?name=x").text
    assert httpx.get(url.removesuffix("/metrics")).status_code == 404
    assert httpx.head(url).content == b""
    assert httpx.post(url).status_code == 501


@pytest.mark.long
def test_clients_that_connect_and_say_nothing_are_few_and_go_after_a_while() -> None:
    """Then others are served again."""
    url = listening()
    place = urlsplit(url)
    with ExitStack() as held:
        silent = [
            held.enter_context(socket.create_connection((place.hostname or "", place.port or 0), timeout=20))
            for _ in range(40)
        ]
        for one in reversed(silent):  # the last ones at once, the first ones after their time
            assert one.recv(1) == b""
        assert httpx.get(url).is_success


def test_beyond_this_machine_a_file_of_keys_is_needed() -> None:
    """The message names the setting."""
    with pytest.raises(BadApiKeys, match="SEAWALL_X: others could read"):
        MetricsListener("0.0.0.0", 0, [], None, setting="SEAWALL_X")


def test_a_histogram_cumulates_in_seconds() -> None:
    """What is as large as a bound is within it; what is larger than all is counted, too."""
    durations = Durations((1_000, 2_000))
    for value in (1, 1_000, 1_001, 5_000_000_000):
        durations.observe(value)
    assert durations.cumulated_s() == [("1e-06", 2), ("2e-06", 3), ("+Inf", 4)]
    assert durations.sum_s == pytest.approx(5.000002002)

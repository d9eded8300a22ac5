"""Which process is named as the bottleneck."""

from __future__ import annotations

import pytest

from seawall.experiments.bottleneck import bottleneck_of


@pytest.mark.parametrize(
    ("used", "cores", "missed", "what", "advice"),
    [
        ({"api": 0.95, "postgres": 0.3}, 4, ["response_p95_ms"], "api: 95%", "--api-processes"),
        ({"api-1": 0.5, "api-2": 0.9}, 4, ["response_p95_ms"], "api-2: 90%", "--api-processes"),
        ({"api": 0.99, "sink": 0.9}, 4, ["visible_p95_ms"], "sink: 90%", "--sinks"),
        ({"api": 0.99, "sink": 0.9}, 4, ["visible_p95_ms", "response_p95_ms"], "api: 99%", "--api-processes"),
        ({"load": 0.92, "api": 0.7}, 4, ["response_p95_ms"], "load: 92%", "several machines"),
        ({"api": 0.9, "kafka": 0.6, "load": 0.4}, 2, ["response_p95_ms"], "api: 90%", "more cores"),
        ({"api": 0.5, "postgres": 1.1, "load": 0.3}, 2, ["response_p95_ms"], "the machine: 1.9 of 2", "a transaction"),
        ({"api": 0.5, "kafka": 0.8, "load": 0.6}, 2, ["visible_p95_ms"], "0.8 of them by kafka", "brokers"),
        ({"other": 1.9}, 2, ["response_p95_ms"], "by other", "more cores"),
        ({"api": 0.2, "postgres": 0.3}, 2, ["response_p95_ms"], "no process is busy: requests wait", "flush"),
        ({"api": 0.0}, 2, ["response_p95_ms", "error_ratio"], "nobody answered", "logs"),
        ({"api": 0.99}, 2, ["lost"], "no process: records went astray", "audit"),
        ({"api": 0.99}, 2, ["users"], "fewer users were asked for", "--users"),
        ({}, 2, ["response_p95_ms"], "no process is busy", "flush"),
    ],
)
def test_the_process_at_its_limit_is_named(
    used: dict[str, float], cores: int, missed: list[str], what: str, advice: str
) -> None:
    """One thread at its limit, else the machine, else waits; and what to do fits the cores that are left."""
    found = bottleneck_of(used, cores, missed)
    assert what in found.what
    assert advice in found.advice

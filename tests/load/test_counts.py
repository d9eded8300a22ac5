"""Locust's statistics get the same, whether requests reach them one by one or many at once."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

SCRIPT = r"""
import json, random
from locust import events
from locust.env import Environment
import seawall.load.users
from seawall.load.counts import Counts
from seawall.load.http.response import Response
import gevent

def respond(number, draw):
    response = Response(lambda _: None, "GET" if number % 3 else "POST", f"/{number % 2}", "/x")
    response.status_code, response.content = 200, b"x" * (number % 7)
    response.sent_ns = 1_000_000_000
    response.intended_ns = 900_000_000 if number % 5 == 0 else 0
    response.answered_ns = response.sent_ns + int(draw.lognormvariate(3, 2) * 1e6)
    if number % 10 == 9:
        response.error = ValueError("no")
    return response

def report(counts, response):
    counts.report(response, is_plain=response.is_plain_success)

def entry_of(entry):
    return {
        "requests": entry.num_requests, "failures": entry.num_failures, "times": sorted(entry.response_times.items()),
        "total": round(entry.total_response_time, 1), "min": entry.min_response_time, "max": entry.max_response_time,
        "bytes": entry.total_content_length, "per_s": sum(entry.num_reqs_per_sec.values()),
        "p95": entry.get_response_time_percentile(0.95), "seen": entry.last_request_timestamp is not None,
    }

def found(environment):
    stats = environment.stats
    entries = {"/".join(key): entry_of(entry) for key, entry in sorted(stats.entries.items())}
    errors = sum(error.occurrences for error in stats.errors.values())
    return {"total": entry_of(stats.total), **entries, "errors": errors}

def run(listener):
    from locust.event import Events
    environment = Environment(events=Events())
    environment.create_local_runner()
    heard = []
    if listener:
        environment.events.request.add_listener(lambda **meta: heard.append(meta["name"]))
    counts, draw = Counts(environment), random.Random(1)
    for number in range(5_000):
        report(counts, respond(number, draw))
    before = environment.stats.total.num_requests
    gevent.sleep(0.6)
    by_itself = environment.stats.total.num_requests
    report(counts, respond(1, draw))
    counts.flush()
    return {"found": found(environment), "heard": len(heard), "before": before, "by_itself": by_itself}

print(json.dumps({"bulk": run(False), "single": run(True)}))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Count 5,001 requests both ways."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_both_ways_come_to_the_same(told: dict[str, Any]) -> None:
    """Requests, failures, sums, extremes, the whole histogram, for each endpoint and for all."""
    assert told["bulk"]["found"] == told["single"]["found"]
    assert told["bulk"]["found"]["total"]["requests"] == 5_001
    assert told["bulk"]["found"]["errors"] == 500
    assert len(told["bulk"]["found"]) == 2 + 4


def test_a_listener_hears_of_each_request(told: dict[str, Any]) -> None:
    """Whoever listens to Locust's event gets it for every request, at once."""
    assert told["single"]["heard"] == 5_001
    assert told["single"]["before"] == 5_000


def test_statistics_catch_up_by_themselves(told: dict[str, Any]) -> None:
    """Failures count at once, successes within a moment."""
    assert told["bulk"]["before"] == 500
    assert told["bulk"]["by_itself"] == 5_000

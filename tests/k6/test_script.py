"""`k6/ingest.js`, run by a real k6 against a small real service."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from known_service import KnownService, known_service

from contract.entities import ENTITIES, parse
from contract.ids import base_id, split
from seawall.experiments.errors import LoadFailed
from seawall.experiments.k6_options import K6Options
from seawall.experiments.k6_process import SCRIPT, K6Ended, K6Place, run_k6, write_for_plain_runs
from seawall.load.payloads import MIXES, body_tails, content_index, entity_at
from seawall.load.run import LoadRun
from seawall.stack.k6_binary import K6Program
from seawall.targets.k6_thresholds import k6_thresholds
from seawall.targets.parse import parse_targets

pytestmark = pytest.mark.timeout(400)
TARGETS = '[[always]]\nname = "soon"\nmetric = "response_p95_ms"\nscope = "write"\nlimit = "< 1 ms"\n'


def run(k6: K6Program, service: KnownService, place: Path, **asked: object) -> K6Ended:
    """Run k6 for a second, with a threshold of 1 ms."""
    options = K6Options(**{"duration_s": 1.0, "warmup_s": 0.0, "seed": 5, **asked})  # type: ignore[arg-type]
    thresholds = k6_thresholds(parse_targets(TARGETS, "here").targets)
    return run_k6(k6, options.load(), service.url, K6Place(place, "k6"), thresholds)


def test_ids_and_bodies_are_those_that_python_would_send(k6: K6Program, tmp_path: Path) -> None:
    """Byte for byte, for each user and sequence; a path of its own, the entities in the order of the mix."""
    with known_service() as service:
        ended = run(k6, service, tmp_path, path="grouped", rate_per_s=100, users=7)
    record, ledger = ended.recorded.record, ended.recorded.ledger
    posts = [one for one in service.asked if one.method == "POST"]
    assert 98 <= len(posts) == len(ledger.status) <= 101  # one more where the last is due as the time ends
    assert set(ledger.status.tolist()) == {201}
    ours = LoadRun(seed=5, entity="mixed", rate_per_s=1.0, run=ledger.run)
    bodies = {}
    for user in range(7):
        identity = ours.identity_maker(user)
        for sequence in range(1, 20):
            name = entity_at(MIXES["mixed"], user, sequence)
            tail = body_tails(ENTITIES[name], 5)[content_index(user, sequence)]
            bodies[f"/v1/grouped/{name}", b'{"id":"%b"%b' % (identity(sequence, ENTITIES[name].number), tail)] = user
    assert {(one.path, one.body) for one in posts} <= bodies.keys()
    assert len({one.body for one in posts}) == len(posts)
    assert {one.headers["Content-Type"] for one in posts} == {"application/json"}
    parts = [split(parse(ENTITIES[one.path.rpartition("/")[2]], one.body).id) for one in posts]
    assert sorted((one.sequence - 1) * 7 + one.user for one in parts) == list(range(len(posts)))
    assert {(one.sequence, one.user) for one in parts} == set(
        zip(ledger.sequence.tolist(), ledger.user.tolist(), strict=True)
    )
    assert (record.run_ms, record.run_nonce) == ledger.run
    assert set(record.scopes.values()) == {"write"}


def test_a_slow_service_leaves_iterations_unsent_and_crosses_a_threshold(k6: K6Program, tmp_path: Path) -> None:
    """Two users who wait for 100 ms each send 20 a second of 50; what follows a drop is due when its own turn is."""
    with known_service(delay_s=0.1) as service:
        ended = run(k6, service, tmp_path, path="sync", entity="orders", rate_per_s=50, users=2)
    record, ledger = ended.recorded.record, ended.recorded.ledger
    assert ended.crossed == {"http_req_duration{scope:write}"}
    assert record.requests + record.unsent in (49, 50, 51)
    assert 10 <= record.requests <= 22
    posts = Counter(one.path for one in service.asked if one.method == "POST")
    assert posts == {"/v1/sync/orders": record.requests}
    # By its number alone the last one would be due half a second before it was sent.
    assert (ledger.sent_ns - ledger.intended_ns).max() < 250_000_000
    assert (ledger.answered_ns - ledger.sent_ns).min() >= 100_000_000


def test_lookups_ask_for_base_rows_a_few_far_more_often(k6: K6Program, tmp_path: Path) -> None:
    """Under the endpoints' names and scope, and nothing of them counts as a record."""
    with known_service() as service:
        ended = run(k6, service, tmp_path, scenario="lookups", rate_per_s=200, users=10)
    record, ledger = ended.recorded.record, ended.recorded.ledger
    assert record.scopes == dict.fromkeys(("GET /v1/users/{id}", "GET /v1/products/{id}"), "cached lookup")
    assert set(ledger.entity.tolist()) == {0}
    known = {f"/v1/{name}/{base_id(row, one.number)}" for name, one in ENTITIES.items() for row in range(one.base_rows)}
    asked = Counter(one.path for one in service.asked)
    assert set(asked) <= known
    first = f"/v1/users/{base_id(0, ENTITIES['users'].number)}"
    assert asked[first] > 20
    users = sum(count for path, count in asked.items() if "/users/" in path)
    assert 0.55 < users / sum(asked.values()) < 0.95


def test_nobody_at_the_address_is_told_in_words(k6: K6Program, tmp_path: Path) -> None:
    """The run fails at once, and not request by request."""
    with known_service() as service:
        pass
    with pytest.raises(LoadFailed, match="nothing answers at http"):
        run(k6, service, tmp_path)


def test_a_plain_run_works_by_what_was_prepared_and_says_what_is_missing(k6: K6Program, tmp_path: Path) -> None:
    """With ids of a run of its own each time."""
    with known_service() as service:
        options = K6Options(rate_per_s=20, users=2, duration_s=1.0, warmup_s=0.0)
        variables = write_for_plain_runs(tmp_path, options.load(), service.url, [])
        assert variables.stat().st_mode & 0o077 == 0
        for _ in range(2):
            subprocess.run(
                ["/bin/sh", "-c", f"set -a; . {variables}; {k6.program} run --quiet --address '' {SCRIPT}"],
                check=True,
                capture_output=True,
                timeout=60,
            )
    runs = {split(parse(ENTITIES[one.path.rpartition("/")[2]], one.body).id).run for one in service.asked
            if one.method == "POST"}  # fmt: skip
    assert len(runs) == 2
    done = subprocess.run(
        [k6.program, "run", "--quiet", "--address", "", SCRIPT],
        env={name: value for name, value in os.environ.items() if not name.startswith("SEAWALL_")},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "set SEAWALL_API_URL" in done.stderr

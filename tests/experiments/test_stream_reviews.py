"""Reviews on real servers and a real model service: each has one result or one dead letter, whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from new_records import new_record

from contract.ids import new_run
from contract.reviews import RECORD, REVIEWS, TOPICS
from contract.topics import PARTITIONS
from seawall.audit.review_results import ReviewAudit, audit_reviews
from seawall.experiments.errors import BadOptions
from seawall.experiments.stream_reviews import ReviewsRun
from seawall.experiments.stream_reviews_options import ReviewsOptions
from seawall.load.review_feed import ReviewLoad, Sent, send
from seawall.result import Result
from seawall.result.reviews import ReviewsFinding
from seawall.stack.ports import free_ports
from seawall.stack.reviewers import ModelProcess, ReviewsProcess
from seawall.stack.stack import Stack


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {arm}")

    def judging_goes_on(self, sent: int, done: int) -> None:
        """Hold one against the other."""
        assert 0 <= done <= max(sent, done)

    def finding(self, number: int, total: int, finding: ReviewsFinding) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {finding.arm} ended")


@pytest.fixture(autouse=True)
def _left_as_found(stack: Stack) -> Iterator[None]:
    """Leave neither rows nor records nor dead letters to other tests."""
    yield
    stack.fresh()


def run(stack: Stack, directory: Path, **options: Any) -> Result:
    """Run it, quickly unless told otherwise."""
    quick = {"reviews": 60, "jobs": 4, "rate_per_s": 400.0, "wait_s": 0.5, "latency_s": 0.05, "in_flight": 4}
    return ReviewsRun(ReviewsOptions(**{**quick, **options}), stack, directory).run(Notes(), lambda _: None)


def nothing_wrong(one: ReviewsFinding) -> bool:
    """Tell whether each review has one result or dead letter, in the order of its job."""
    wrong = (one.missing, one.phantom, one.mislabelled, one.unlettered, one.both, one.misordered)
    return not any(wrong) and one.judged + one.buried == one.acknowledged == one.reviews


@pytest.mark.timeout(300)
def test_every_arm_judges_each_review_once(stack: Stack, tmp_path: Path) -> None:
    """With as many calls as its batches need, by the worker's count and by the service's."""
    result = run(stack, tmp_path, reviews=50)
    batch, single, job, lists = result.reviews
    for one in result.reviews:
        assert nothing_wrong(one), one.reasons
        assert (one.buried, one.calls, one.error_ratio) == (0, one.served_calls, 0)
        assert one.asked == one.judged == 50
        assert sum(one.sentiments.values()) == 50
        assert one.memory_bytes > 0
        assert one.course[-1].done == 50
        assert one.sentiments == batch.sentiments
    # 50 by 20 leave a rest that its deadline closes; jobs of 12 and 13 are closed by theirs, unless a list says all
    assert 3 <= batch.batches == batch.by_size + batch.by_time < 50
    assert batch.by_time >= 1
    assert (single.calls, single.by_size) == (50, 50)
    assert 4 <= job.batches == job.by_time < 50
    assert (lists.batches, lists.by_size, lists.by_time) == (4, 0, 0)
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM review_results").fetchall()
    assert rows == (50,)


@pytest.mark.long
def test_a_model_that_fails_in_every_way_loses_and_doubles_nothing(stack: Stack, tmp_path: Path) -> None:
    """Errors, nonsense, half answers and 429; what it never says anything about becomes a dead letter."""
    faults = {"errors": 0.15, "nonsense": 0.15, "halves": 0.2, "mute": 0.1}
    (one,) = run(stack, tmp_path, arms=("batch",), batch=4, faults=faults, calls_per_s=10.0).reviews
    assert nothing_wrong(one), one.reasons
    assert 0 < one.buried < 30
    assert min(one.unavailable, one.nonsense, one.partial, one.throttled) > 0
    assert one.calls == one.served_calls
    assert one.error_ratio is not None
    assert 0 < one.error_ratio < 1
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        reasons = connection.execute("SELECT DISTINCT reason FROM review_results WHERE sentiment IS NULL").fetchall()
    assert {reason for (reason,) in reasons} <= {
        "the model leaves it out; asked 5 times",
        "the model's answer is none: JSON is malformed: invalid character (byte 0); asked 5 times",
    }


class Judged:
    """A load that is judged by workers of a test's own, one after the other."""

    def __init__(self, stack: Stack, place: Path, reviews: int = 40) -> None:
        self._stack, self._place = stack, place
        self.group = f"seawall-reviews-test-{uuid4().hex[:8]}"
        self.load = ReviewLoad.drawn(reviews, 4, 1_000.0, seed=3, run=new_run())
        self.sent = Sent()
        self._said: list[dict[str, Any]] = []
        self._workers: list[ReviewsProcess] = []

    def send(self) -> None:
        """Send it, a review a message."""
        self.sent = send(self._stack.connections.kafka, self.load, RECORD, lambda _: None)

    def worker(self, url: str, **settings: object) -> ReviewsProcess:
        """Start one that asks the model at *url*."""
        own = {"model_url": url, "group": self.group, "batch_size": 4, "batch_wait_s": 0.3, "in_flight": 3, **settings}
        worker = ReviewsProcess(self._stack, f"worker-{len(self._workers)}", self._place, own)
        self._workers.append(worker)
        return worker

    def written(self) -> list[UUID]:
        """Return all reviews that workers say they have judged or buried, in the order in which they say so."""
        self._said += [line for worker in self._workers for line in worker.news() if "written" in line]
        return [UUID(name) for line in self._said for name in (*line["written"], *line["buried"])]

    def await_written(self, least: int) -> None:
        """Return once so many are."""
        deadline_s = time.monotonic() + 90
        while len(set(self.written())) < least:
            assert time.monotonic() < deadline_s, f"{len(set(self.written()))} of {least}"
            time.sleep(0.05)

    def rows(self) -> int:
        """Return how many results the table has."""
        with psycopg.connect(self._stack.connections.psycopg_url) as connection:
            ((found,),) = connection.execute("SELECT count(*) FROM review_results").fetchall()
        return int(found)

    def audit(self) -> ReviewAudit:
        """Hold the table against what was sent."""
        by_id = {one.id: one for one in self.load.reviews}
        return audit_reviews(self._stack.connections, by_id, self.sent.acked, self.written())

    def committed(self) -> int:
        """Return how many messages the group has committed behind, over all partitions."""
        admin = AdminClient(self._stack.connections.kafka)
        (future,) = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(self.group)]).values()
        return sum(max(0, place.offset) for place in future.result().topic_partitions)


@pytest.fixture
def judged(stack: Stack, tmp_path: Path) -> Judged:
    """Give a load on fresh state."""
    stack.fresh()
    return Judged(stack, tmp_path)


def first_offsets(stack: Stack) -> int:
    """Return the sum of the offsets at which the topic of reviews begins: records were deleted before them."""
    consumer = Consumer({**stack.connections.kafka, "group.id": "seawall-test"})
    try:
        places = [TopicPartition(TOPICS[RECORD], number) for number in range(PARTITIONS)]
        return sum(consumer.get_watermark_offsets(place, timeout=20)[0] for place in places)
    finally:
        consumer.close()


def test_reviews_wait_for_a_model_that_is_away(stack: Stack, judged: Judged, tmp_path: Path) -> None:
    """None is given up and no offset is committed; once it is there all are judged."""
    (port,) = free_ports(1)
    with judged.worker(f"http://127.0.0.1:{port}/v1", breaker_s=0.3) as worker:
        worker.await_partitions()
        judged.send()
        deadline_s = time.monotonic() + 60
        while b"ConnectionRefusedError" not in worker.log.read_bytes():
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        assert judged.audit().missing == len(judged.load.reviews)
        assert judged.committed() <= first_offsets(stack)
        with ModelProcess(stack, tmp_path, {"latency_ms": 10}, port=port):
            judged.await_written(len(judged.load.reviews))
    found = judged.audit()
    assert (found.judged, found.buried, found.wrong()) == (len(judged.load.reviews), 0, {})
    assert judged.committed() == first_offsets(stack) + len(judged.load.reviews)


@pytest.mark.long
def test_a_killed_worker_is_followed_by_one_that_loses_and_doubles_nothing(
    stack: Stack, judged: Judged, tmp_path: Path
) -> None:
    """The second asks only about what has no result yet, and keeps the order of jobs."""
    with ModelProcess(stack, tmp_path, {"latency_ms": 150}) as model:
        with judged.worker(model.url) as first:
            first.await_partitions()
            judged.send()
            judged.await_written(8)
            first.kill()
        rows = judged.rows()
        assert 8 <= rows < len(judged.load.reviews)
        with judged.worker(model.url) as second:
            # the first may have written rows and died before it could say so
            deadline_s = time.monotonic() + 90
            while judged.rows() < len(judged.load.reviews):
                assert time.monotonic() < deadline_s, judged.rows()
                time.sleep(0.1)
            second.stop()
        found = judged.audit()
        assert (found.judged, found.buried, found.wrong()) == (len(judged.load.reviews), 0, {})
        said = [line for line in map(msgspec.json.decode, second.lines()) if "counts" in line]
        assert said[-1]["counts"]["asked"] <= len(judged.load.reviews) - rows
    assert judged.committed() == first_offsets(stack) + len(judged.load.reviews)


def test_reviews_that_come_through_the_api_are_judged_and_garbage_is_buried(
    stack: Stack, judged: Judged, tmp_path: Path
) -> None:
    """Beside the rows that the ordinary sink stores; what is no review becomes a dead letter with a reason."""
    records = [new_record(REVIEWS) for _ in range(3)]
    for record in records:
        answer = httpx.post(
            f"{stack.state.api_url}/v1/kafka/reviews",
            content=msgspec.json.encode(record),
            headers={**stack.api_headers, "Content-Type": "application/json"},
        )
        assert answer.status_code == 202, answer.text
    producer = Producer(stack.connections.kafka)
    producer.produce(TOPICS[RECORD], b"no review", b"some key")
    producer.flush(20)
    with ModelProcess(stack, tmp_path, {}) as model, judged.worker(model.url) as worker:
        judged.await_written(3)
        assert set(judged.written()) == {record.id for record in records}
        worker.stop()
    garbage = [
        line["garbage"] for line in msgspec.json.decode(b"[%s]" % b",".join(worker.lines())) if "garbage" in line
    ]
    assert sum(garbage) == 1
    assert "dead letter, from seawall.reviews" in worker.log.read_text()
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        texts = connection.execute("SELECT id FROM reviews").fetchall()
    assert {identity for (identity,) in texts} <= {record.id for record in records}


def test_options_are_refused_all_at_once() -> None:
    """With the name of each."""
    wrong = ReviewsOptions(
        reviews=0, jobs=0, arms=("batch", "all"), batch=0, wait_s=0, in_flight=0, faults={"errors": 2, "other": 0.1},
        model_url="model",
    )  # fmt: skip
    with pytest.raises(BadOptions) as refused:
        wrong.validate()
    said = str(refused.value)
    for option in ("--reviews", "--jobs", "--arms", "--batch", "--wait", "--in-flight", "--faults", "--model-url"):
        assert option in said

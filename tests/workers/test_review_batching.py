"""Which reviews are asked about together, in which order results are written, and how far offsets may be committed."""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec
from new_records import new_record

from contract.entities import Review
from contract.reviews import REVIEWS
from workers.reviews.batching import Batch, Batcher, Item, by_job
from workers.reviews.breaker import Breaker
from workers.reviews.flight import Finished, Flight
from workers.sink.batches import Place

SECOND = 10**9
TOPIC = "seawall.reviews"


def item(offset: int, job: UUID | None = None, partition: int = 0) -> Item:
    """Return a review of a *job*, at an offset."""
    review = msgspec.structs.replace(new_record(REVIEWS), job_id=job or uuid4())
    assert isinstance(review, Review)
    return Item(review, Place(TOPIC, partition, offset))


def offsets(batches: list[Batch]) -> list[list[int]]:
    """Return where the reviews of each batch stand."""
    return [[one.place.offset for one in batch.items] for batch in batches]


def test_a_batch_is_closed_when_it_is_full() -> None:
    """The next one begins a deadline of its own."""
    batcher = Batcher(3, 10.0)
    assert [batcher.add(item(number), number) for number in range(2)] == [[], []]
    (full,) = batcher.add(item(2), 2)
    assert (full.why, full.opened_ns, full.closed_ns) == ("size", 0, 2)
    assert offsets([full]) == [[0, 1, 2]]
    assert batcher.next_due_ns() is None
    batcher.add(item(3), 5)
    assert batcher.next_due_ns() == 5 + 10 * SECOND


def test_a_deadline_counts_from_the_first_review_whatever_comes_later() -> None:
    """Before it nothing is due, from it on the batch is, once."""
    batcher = Batcher(20, 10.0)
    batcher.add(item(0), 0)
    batcher.add(item(1), 9 * SECOND)
    assert batcher.due(10 * SECOND - 1) == []
    (due,) = batcher.due(10 * SECOND)
    assert (due.why, due.due_ns, offsets([due])) == ("time", 10 * SECOND, [[0, 1]])
    assert batcher.due(99 * SECOND) == []


def test_jobs_have_batches_and_deadlines_of_their_own() -> None:
    """The job that began first is due first."""
    batcher, first, second = Batcher(200, 10.0, by_job), uuid4(), uuid4()
    for number in range(6):
        batcher.add(item(number, (first, second)[number % 2]), number * SECOND)
    assert batcher.next_due_ns() == 10 * SECOND
    assert offsets(batcher.due(10 * SECOND)) == [[0, 2, 4]]
    assert offsets(batcher.due(11 * SECOND)) == [[1, 3, 5]]


def test_a_whole_job_waits_for_nothing() -> None:
    """One that is larger than a call may be is asked about in pieces."""
    batches = Batcher(4, 10.0).add_job([item(7) for _ in range(9)], 3)
    assert [len(batch.items) for batch in batches] == [4, 4, 1]
    assert {(batch.why, batch.closed_ns) for batch in batches} == {("job", 3)}


def test_what_others_read_now_is_dropped() -> None:
    """A batch that becomes empty has no deadline."""
    batcher = Batcher(20, 10.0)
    batcher.add(item(0, partition=1), 0)
    batcher.add(item(1, partition=2), 0)
    batcher.forget([(TOPIC, 1)])
    assert offsets(batcher.due(10 * SECOND)) == [[1]]
    batcher.add(item(2, partition=1), 0)
    batcher.forget([(TOPIC, 1)])
    assert batcher.next_due_ns() is None


def flown(*items: Item, flight: Flight) -> Batch:
    """Have these read and closed as a batch."""
    batch = Batch(0, list(items))
    for one in items:
        flight.read(one.place, 1)
    flight.closed(batch)
    return batch


def test_results_of_a_job_are_written_in_its_order() -> None:
    """A later batch waits for an earlier one of the same job, and for none of others."""
    flight, job, other = Flight(), uuid4(), uuid4()
    first = flown(item(0, job), flight=flight)
    second = flown(item(1, job), item(2, other), flight=flight)
    third = flown(item(3, other), flight=flight)
    free = flown(item(4), flight=flight)
    assert flight.finished(Finished(third)) == []  # behind the second, which holds its job
    assert [one.batch for one in flight.finished(Finished(free))] == [free]
    assert flight.finished(Finished(second)) == []
    assert [one.batch for one in flight.finished(Finished(first))] == [first, second, third]


def test_offsets_are_committed_only_behind_what_is_written() -> None:
    """What was written out of turn counts once all before it is."""
    flight = Flight()
    batches = [flown(item(offset), flight=flight) for offset in range(3)]
    assert flight.committable() == {(TOPIC, 0): 0}
    for number, end in ((1, 0), (0, 2), (2, 3)):
        flight.written([one.place for one in batches[number].items])
        assert flight.committable() == {(TOPIC, 0): end}


def test_a_message_of_several_reviews_is_done_when_all_of_them_are() -> None:
    """And one that was forgotten holds up nothing."""
    flight, place = Flight(), Place(TOPIC, 0, 8)
    flight.read(place, 2)
    flight.written([place])
    assert (flight.committable(), flight.unwritten()) == ({(TOPIC, 0): 8}, 1)
    flight.written([place])
    assert (flight.committable(), flight.unwritten()) == ({(TOPIC, 0): 9}, 0)
    flight.read(Place(TOPIC, 0, 9), 1)
    flight.forget([(TOPIC, 0)])
    assert (flight.committable(), flight.unwritten()) == ({}, 0)


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_try() -> None:
    """A success closes it, a failure of the one that tries opens it anew."""
    now = [0.0]
    breaker = Breaker(3, 2.0, lambda: now[0])
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(3):
        assert breaker.wait_s() == 0
        breaker.failed()
    assert breaker.wait_s() == 2.0
    now[0] = 2.0
    assert breaker.wait_s() == 0
    assert breaker.wait_s() > 0  # another one waits while it tries
    breaker.failed()
    assert (breaker.wait_s(), breaker.opened) == (2.0, 1)
    now[0] = 4.0
    assert breaker.wait_s() == 0
    breaker.succeeded()
    assert [breaker.wait_s() for _ in range(3)] == [0, 0, 0]

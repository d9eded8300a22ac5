"""`kafka` in transactions: what reads only what is committed sees all records of one, or none (KIP-98).

A producer has one transaction at a time, and the calls that begin and end it wait for the cluster. So a thread of its
own takes the records that wait, one or as many as there are, and the event loop hears of the outcome.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from api.problems import Problem, Unavailable
from api.settings import Settings
from api.writes.kafka import IDLE_POLL_S, KafkaPath
from api.writes.protocol import Logged, Settle, Stored
from contract.client_properties import refuse_bad_properties
from contract.entities import Entity, Record
from contract.errors import BadConnection
from contract.registry import Registry

log = logging.getLogger(__name__)

MOST_RECORDS = 1_000
"""Of one transaction."""
_CALL_S, _TRY_AGAIN_S = 1.0, 0.2


class _Waiter(NamedTuple):
    entity: Entity
    record: Record
    settle: Settle
    headers: Sequence[tuple[str, bytes]]
    ticket: int


_Outcome = Stored | Logged | Problem
_Settled = list[tuple[_Waiter, _Outcome]]


class TransactionalPath(KafkaPath):
    """Answers after the commit of the transaction that the record went into."""

    def __init__(self, connection: dict[str, Any], settings: Settings, registry: Registry | None = None) -> None:
        """Raises `BadConnection` where the producer's other settings allow no transactions."""
        super().__init__(connection, settings, registry)
        if settings.kafka_flush_every:
            raise BadConnection(
                "SEAWALL_KAFKA_FLUSH_EVERY with SEAWALL_KAFKA_TRANSACTIONS: a commit flushes already; leave one out"
            )
        self._configuration |= {
            "transactional.id": settings.kafka_transactional_id,
            # what is left open by one that died holds back whoever reads only what is committed
            "transaction.timeout.ms": self._configuration["message.timeout.ms"],
        }
        name = f"SEAWALL_KAFKA_TRANSACTIONS={settings.kafka_transactions}"
        refuse_bad_properties(Producer, self._configuration, self._configuration, name)
        self._most = 1 if settings.kafka_transactions == "each" else MOST_RECORDS
        self._waiting: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="transactions", daemon=True)

    async def start(self) -> None:
        """Create the producer and the thread that uses it."""
        await super().start()
        self._thread.start()

    async def stop(self) -> int:
        """Commit what waits; return how many records it is not known of what became of them."""
        self._stopping = True
        self._waiting.put(None)
        await self._loop.run_in_executor(None, self._thread.join, self._flush_s)
        return await super().stop() + len(self._unacked)

    def submit(self, entity: Entity, record: Record, settle: Settle, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Queue *record*; *settle* hears of the commit."""
        if self._unprepared or self._stopping:
            raise Unavailable(self._unprepared or "the service is being stopped")
        self._waiting.put(_Waiter(entity, record, settle, headers, self._unacked.join()))

    def _poll(self) -> None:
        """Let the producer say what it counts; of deliveries it tells the thread that commits."""
        assert self._producer is not None
        self._producer.poll(0)
        self._next_poll = self._loop.call_later(IDLE_POLL_S, self._poll)

    def _work(self) -> None:
        """Commit one transaction after the other until the path is stopped."""
        begun = False
        while (batch := self._next_batch(None if begun else _TRY_AGAIN_S)) is not None:
            if not begun:
                begun = self._begin_to_commit()
            if not begun:
                self._tell([(one, Unavailable("Kafka gives the producer no id for transactions")) for one in batch])
                continue
            if not batch:
                continue
            try:
                self._tell(self._in_one_transaction(batch))
            except KafkaException as error:
                self._say_failed(error.args[0], batch[0].record.id)
                begun = self._abort(error.args[0])
                problem = Unavailable(f"Kafka did not commit: {error.args[0].str()}", outcome_unknown=not begun)
                self._tell([(one, problem) for one in batch])
            except Exception:
                # a thread that dies would leave every later request without an answer
                log.exception("kafka: a transaction of %d records failed", len(batch))
                begun, self._producer = False, Producer(self._configuration)
                self._tell([(one, Unavailable("the transaction failed", outcome_unknown=True)) for one in batch])

    def _next_batch(self, within_s: float | None) -> list[_Waiter] | None:
        """Return what waits, once something does or the time is up; None at the end."""
        batch: list[_Waiter] = []
        with contextlib.suppress(queue.Empty):
            found = self._waiting.get(timeout=within_s)
            while found is not None:
                batch.append(found)
                if len(batch) == self._most:
                    return batch
                found = self._waiting.get_nowait()
            if not batch:
                return None
            self._waiting.put(None)  # for the next call
        return batch

    def _begin_to_commit(self) -> bool:
        """Have the cluster end what an earlier producer of this name left open; tell whether it did."""
        assert self._producer is not None
        try:
            self._again(self._producer.init_transactions)
        except KafkaException as error:
            log.warning("kafka: no transactions yet: %s", error.args[0].str())
            return False
        return True

    def _in_one_transaction(self, batch: list[_Waiter]) -> _Settled:
        """Publish *batch* and commit it; raises `KafkaException`."""
        producer = self._producer
        assert producer is not None
        outcomes: list[_Outcome] = [Unavailable("Kafka did not say where the record is")] * len(batch)
        producer.begin_transaction()

        def delivered(number: int, error: KafkaError | None, message: Message) -> None:
            if error is None:
                place = (message.topic() or "", message.partition() or 0, message.offset() or 0)
                outcomes[number] = Logged(batch[number].record.id, *place)

        for number, one in enumerate(batch):
            try:
                self._publish(one.entity, one.record, one.headers, partial(delivered, number))
            except Unavailable as problem:
                outcomes[number] = problem
        self._again(producer.commit_transaction)
        return list(zip(batch, outcomes, strict=True))

    def _again(self, call: Any) -> None:
        """Call until it succeeds, or its time is up; raises `KafkaException`."""
        due_s = time.monotonic() + self._flush_s
        while True:
            try:
                call(_CALL_S)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > due_s:
                    raise
                time.sleep(_TRY_AGAIN_S)
            else:
                return

    def _abort(self, error: KafkaError) -> bool:
        """Abort the transaction, after which it is known that nothing of it will be seen; tell whether that is so.

        Where it is not, another producer takes the place of this one, and whatever is left open is ended by it.
        """
        assert self._producer is not None
        if error.txn_requires_abort():
            try:
                self._again(self._producer.abort_transaction)
            except KafkaException as failure:
                log.warning("kafka: a transaction was not aborted: %s", failure.args[0].str())
            else:
                return True
        self._producer = Producer(self._configuration)
        return False

    def _tell(self, settled: _Settled) -> None:
        self._loop.call_soon_threadsafe(self._settle, settled)

    def _settle(self, settled: _Settled) -> None:
        for waiter, outcome in settled:
            self._unacked.leave(waiter.ticket)
            waiter.settle(outcome)

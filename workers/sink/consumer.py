"""The sink's loop, and the only code that touches the Kafka consumer.

Order of events for a batch: rows committed, journal written, dead letters acknowledged, offsets committed (or some time
later, see `workers.sink.commits`). A sink that dies in between reads the batch again and finds its rows there.

Where more waits in the log already, the next batch is gathered and decoded while the server writes this one.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from contract.client_properties import refuse_bad_properties
from contract.errors import RegistryUnavailable
from contract.journal import Commit, Journal, JournalWriter, NoJournal
from contract.metrics_listener import Metrics, MetricsListener, NoMetrics
from contract.registry import Registry
from contract.spans import spans_of
from contract.topics import record_topics
from workers.sink.batches import Batch, Decoder, Lots, lots_of
from workers.sink.commits import Committer, begin_at, rule_of
from workers.sink.configuration import consumer_configuration, is_cooperative
from workers.sink.counts import DATABASE, DEAD_LETTERS, REGISTRY, SinkCounts
from workers.sink.database import BatchWriter, Database, Fenced, Outcome
from workers.sink.dead_letters import DeadLetterTopic, say
from workers.sink.garbage import Garbage
from workers.sink.offsets import Offsets, in_words, pairs_of
from workers.sink.pulse import pulse_of
from workers.sink.settings import Settings
from workers.sink.side_by_side import SideBySide, write_all_that_can_be

log = logging.getLogger(__name__)

_IDLE_S = 0.1
_LONELY_S = 5.0
_CLOSE_S = 5


class SinkFailed(Exception):
    """The consumer cannot go on; the process should end and be started again."""


class Sink:
    """Reads the record topics and writes the tables until it is told to stop."""

    def __init__(
        self, connection: dict[str, Any], database: Database, settings: Settings, registry: Registry | None = None
    ) -> None:
        """*registry* knows the schemas by which records were written, where some were."""
        self._settings = settings
        self._offsets = Offsets()
        self._counts = SinkCounts(self._offsets)
        self._commits = Committer(rule_of(settings), self._offsets, self._counts)
        self._configuration = consumer_configuration(
            connection, settings, error_cb=_note_error, on_commit=self._commits.answered
        )
        refuse_bad_properties(
            Consumer, self._configuration, settings.sink_consumer_properties, "SEAWALL_SINK_CONSUMER_PROPERTIES"
        )
        self._metrics: Metrics = NoMetrics()
        if settings.sink_metrics_port is not None:
            self._configuration |= {"statistics.interval.ms": 1_000, "stats_cb": self._note_statistics}
            self._metrics = MetricsListener(
                settings.sink_metrics_host,
                settings.sink_metrics_port,
                [self._counts],
                settings.api_keys_file,
                setting="SEAWALL_SINK_METRICS_HOST",
            )
        self._spans = spans_of("seawall-sink", settings.sink_name)
        self._decoder = Decoder(database.formats, registry, self._spans)
        self._database = database
        self._away: tuple[type[Exception], ...] = (*database.errors, KafkaException, RegistryUnavailable)
        self._writer = _writer(database, settings)
        self._dead_letters = DeadLetterTopic(connection)
        self._journal: Journal
        self._pulse = pulse_of(settings.sink_pulse_file)
        self._consumer: Consumer
        self._writing: Batch | None = None
        self._held: list[Message] = []  # delivered while something else was waited for
        self._gathers_s = 0.0  # when the first message of the newest batch had come
        self._waiting = False
        self._stopping = False
        self._idle_since_s = time.monotonic()
        self._garbage = Garbage()

    def stop(self) -> None:
        """Ask the loop to end after the batch it is at; callable from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Move records until `stop`; raises `SinkFailed` where only a new process can go on."""
        try:
            self._metrics.start()
        except OSError as error:
            raise SinkFailed(f"the port for metrics cannot be had: {error}") from None
        self._journal = self._open_journal()
        self._consumer = Consumer(self._configuration)
        self._commits.use(self._consumer)
        try:
            self._consumer.subscribe(
                record_topics(), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            while not self._stopping:
                self._pulse.beat()
                messages = self._gather()
                if messages:
                    # nothing is left of them where they were errors, or of partitions that were taken away meanwhile
                    if lots := self._lots(messages):
                        more = len(messages) >= self._settings.sink_batch_size
                        begun_s = time.monotonic()
                        batch = self._decoded(lots)
                        if batch is None:
                            break
                        self._count_stage(batch, "decode", begun_s)
                        self._move(batch, more=more)
                else:
                    self._finish()
                    self._commits.idle()
                    self._warn_if_lonely()
                self._garbage.collect()
            self._finish()
            self._commits.end()
        except Fenced as error:
            raise SinkFailed(str(error)) from None
        finally:
            # A static member does not tell the group that it leaves: its partitions wait for it until the session
            # times out, so a restart moves nothing, and closing is quick. But it waits for brokers that hang; then the
            # kernel ends the process, which loses nothing, as every batch has committed what it did.
            signal.alarm(_CLOSE_S)
            self._consumer.close()
            signal.alarm(0)
            self._writer.close()
            self._dead_letters.close()
            self._journal.close()
            if self._spans is not None:
                self._spans.close()

    def _open_journal(self) -> Journal:
        if not self._settings.sink_journal:
            return NoJournal()
        return JournalWriter(self._settings.journal_dir / f"{self._settings.sink_name}.jsonl", os.getpid())

    def _gather(self) -> list[Message]:
        """Return what arrives within the longest wait after the first message, or nothing."""
        messages, self._held = self._held, []
        if not messages:
            # poll() returns with the first message; consume() would wait for its whole timeout or a full batch
            first = self._consumer.poll(_IDLE_S)
            if first is None:
                return []
            messages = [first]
        self._gathers_s = begun_s = time.monotonic()
        due_s = begun_s + self._settings.sink_max_wait_ms / 1000
        while (missing := self._settings.sink_batch_size - len(messages)) > 0:
            left_s = due_s - time.monotonic()
            more = self._consumer.consume(missing, max(0.0, left_s))
            messages += more
            if left_s <= 0 or (not more and due_s <= time.monotonic()):
                break
        self._counts.stage("gather", begun_s)
        return messages

    def _lots(self, messages: list[Message]) -> Lots:
        """Sort records, without those of partitions that were taken away; raises `SinkFailed` for a fatal error."""
        records = [message for message in messages if message.error() is None]
        if len(records) < len(messages):
            self._note_errors(message.error() for message in messages)
        return {pair: lot for pair, lot in lots_of(records).items() if pair in self._offsets.assigned}

    def _note_errors(self, errors: Iterable[KafkaError | None]) -> None:
        for error in filter(None, errors):
            # say another process has taken this name; the binding does not flag what librdkafka hands out for it
            if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - the binding's name for it
                raise SinkFailed(error.str())
            log.warning("kafka: %s", error.str())

    def _decoded(self, lots: Lots) -> Batch | None:
        """Return what is in *lots*, once the registry says by which schemas; None where the sink is stopped."""
        try:
            return self._decoder.batch(lots, self._gathers_s)
        except RegistryUnavailable:
            # what is being written need not wait for it
            if not self._finish():
                return None
        batch: Batch | None = self._wait_out(lambda: self._decoder.batch(lots, self._gathers_s), REGISTRY)
        return batch

    def _move(self, batch: Batch, *, more: bool) -> None:
        """Finish the batch before, begin to write this one, and finish it too unless *more* waits to be decoded."""
        if not self._finish():
            return
        self._commits.read(batch.spans)
        self._writing = batch._replace(ends=batch.spans) if self._commits.rule.in_database else batch
        if more:
            begun_s = time.monotonic()
            self._writer.begin(self._writing)
            if batch.trace is not None:
                batch.trace.stage("send rows", begun_s)
        else:
            self._finish()

    def _finish(self) -> bool:
        """See to it that what is being written is stored, and commit its offsets; False where the sink is stopped."""
        if self._writing is None:
            return True
        batch, self._writing = self._writing, None
        begun_s = time.monotonic()
        outcome = self._wait_out(lambda: self._write(batch), DATABASE)
        if outcome is None:
            return False
        self._count(batch, outcome, begun_s)
        if outcome.letters:
            begun_s = time.monotonic()
            buried = self._wait_out(lambda: self._bury(outcome.letters), DEAD_LETTERS)
            if buried is None:
                return False
            self._count_stage(batch, "bury", begun_s)
            say(outcome.letters)
        begun_s = time.monotonic()
        self._commits.stored(batch.spans)
        if batch.trace is not None:
            batch.trace.stage("commit offsets", begun_s)
            batch.trace.end(outcome)
        return True

    def _write(self, batch: Batch) -> Outcome:
        """Commit *batch* and journal it; raises the database's errors where it has to be tried again."""
        outcome = write_all_that_can_be(self._writer, batch)
        self._journal.commit(
            Commit(time.monotonic_ns(), batch.spans, outcome.stored, outcome.duplicates, len(outcome.letters))
        )
        return outcome

    def _bury(self, letters: Any) -> bool:
        left = self._dead_letters.publish(letters)
        if left:
            raise KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT))  # noqa: SLF001 - the binding's name for it
        return True

    def _count(self, batch: Batch, outcome: Outcome, begun_s: float) -> None:
        self._count_stage(batch, "write", begun_s)
        self._counts.written(
            batch,
            stored=outcome.stored,
            duplicates=outcome.duplicates,
            dead_lettered=len(outcome.letters),
            transactions=outcome.transactions,
        )

    def _count_stage(self, batch: Batch, name: str, begun_s: float) -> None:
        self._counts.stage(name, begun_s)
        if batch.trace is not None:
            batch.trace.stage(name, begun_s)

    def _wait_out(self, work: Callable[[], Any], what: str) -> Any:
        """Return the result of *work*, tried until it succeeds; None where the sink is stopped before that.

        Meanwhile the partitions are paused and the consumer is polled, so that the group keeps this member.
        """
        pause_s = self._settings.sink_retry_s
        try:
            while True:
                try:
                    return work()
                except self._away as error:
                    log.warning("the %s: %s; again in %.1f s", what, str(error).strip(), pause_s)
                    self._counts.retries[what] += 1
                self._begin_waiting()
                due_s = time.monotonic() + pause_s
                while (left_s := due_s - time.monotonic()) > 0:
                    if self._stopping:
                        return None
                    self._pulse.beat()
                    message = self._consumer.poll(min(left_s, _IDLE_S))
                    if message is not None:
                        self._held.append(message)
                pause_s = min(2 * pause_s, self._settings.sink_retry_limit_s)
        finally:
            self._end_waiting()

    def _begin_waiting(self) -> None:
        if not self._waiting:
            self._waiting = True
            self._consumer.pause(self._consumer.assignment())

    def _end_waiting(self) -> None:
        if self._waiting:
            self._waiting = False
            self._consumer.resume(self._consumer.assignment())

    # Kafka calls the three below from within poll(), consume() and close(). What has been read but is not being written
    # may be dropped, so taking partitions away needs no work but an answer to the last commit.

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._counts.rebalances["assigned"] += 1
        self._offsets.assign(partitions)
        if self._commits.rule.in_database:
            partitions = self._from_the_table(partitions)
        if is_cooperative(self._configuration):
            self._consumer.incremental_assign(partitions)
        else:
            self._consumer.assign(partitions)
        if self._waiting:
            self._consumer.pause(partitions)
        else:
            # one that was paused when it was taken away would come back paused
            self._consumer.resume(partitions)
        log.info("assigned %s; now %d partitions", in_words(partitions), len(self._offsets.assigned))

    def _from_the_table(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Return *partitions* with the offsets that the database keeps."""
        try:
            return begin_at(partitions, self._database.kept_offsets(self._settings.sink_group, pairs_of(partitions)))
        except self._database.errors as error:
            raise SinkFailed(f"the database does not say where to go on: {str(error).strip()}") from None

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._counts.rebalances["revoked"] += 1
        self._note_written()
        self._commits.hand_over(partitions)
        self._forget(partitions)
        log.info("revoked %s; now %d partitions", in_words(partitions), len(self._offsets.assigned))

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._counts.rebalances["lost"] += 1
        self._forget(partitions)
        log.warning("lost %s; now %d partitions", in_words(partitions), len(self._offsets.assigned))

    def _note_statistics(self, text: str) -> None:
        self._counts.statistics = text

    def _note_written(self) -> None:
        """Complete what is being written, so that partitions are handed over with the offset behind it."""
        if self._writing is None:
            return
        begun_s = time.monotonic()
        try:
            outcome = self._write(self._writing)
        except self._database.errors:
            return  # `_finish` tries again
        if not outcome.letters:
            self._count(self._writing, outcome, begun_s)
            self._commits.note_stored(self._writing.spans)
            if self._writing.trace is not None:
                self._writing.trace.end(outcome)
            self._writing = None

    def _forget(self, partitions: list[TopicPartition]) -> None:
        gone = pairs_of(partitions)
        self._offsets.forget(partitions)
        self._held = [message for message in self._held if (message.topic(), message.partition()) not in gone]
        self._idle_since_s = time.monotonic()

    def _warn_if_lonely(self) -> None:
        """Say so, once, when there is nothing to do for want of partitions."""
        if self._offsets.assigned or time.monotonic() - self._idle_since_s < _LONELY_S:
            return
        self._idle_since_s = float("inf")
        try:
            topics = self._consumer.list_topics(timeout=2.0).topics
        except KafkaException:
            return
        count = sum(len(topics[name].partitions) for name in record_topics() if name in topics)
        log.warning("no partition is left for this sink: the topics have %d, so run at most %d sinks", count, count)


def _writer(database: Database, settings: Settings) -> BatchWriter:
    """Return what writes over as many connections as the settings say."""
    writers = [database.writer(settings) for _ in range(settings.sink_connections)]
    return writers[0] if len(writers) == 1 else SideBySide(writers)


def _note_error(error: KafkaError) -> None:
    log.warning("kafka: %s", error.str())

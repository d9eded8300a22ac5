"""Sees records arrive: ``python -m seawall.load.kafka.watch_process``, a consumer in a process of its own.

It belongs to no group and commits nothing. Whoever watches in the load's own process takes the interpreter from it for
each record (1.5 us at best), and gets it late when the load is busy; and each worker sees the records of all others.
"""

from __future__ import annotations

import contextlib
import select
import sys
import time
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from seawall.load.kafka.watch import SIGHTING, Begun, Marks, Watch
from seawall.load.priority import ask_for_short_turns

ASK_S, BEGIN_WITHIN_S = 5.0, 10.0
LOOK_S = 0.1
MOST_AT_ONCE = 256
"""Messages that share a time: taking them over takes a few tenths of a millisecond."""


class Watcher:
    """One consumer of all partitions of some topics."""

    def __init__(self, watch: Watch) -> None:
        """Raises `KafkaException` where the settings cannot be meant."""
        self._topics = watch.topics
        self._marks = Marks(watch)
        self._consumer = Consumer(
            {
                **watch.connection,
                "group.id": "seawall-watch",  # the library wants one; nobody joins it
                "client.id": "seawall-watch",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "latest",
                "enable.partition.eof": True,  # that a partition was read to its end is the proof that it is read
                "fetch.wait.max.ms": 100,  # data come at once whatever it says, the word of an end after so long
                "fetch.error.backoff.ms": 50,
                "reconnect.backoff.max.ms": 1_000,
                "log_level": 0,
                "error_cb": lambda _: None,
            }
        )

    def begin(self) -> None:
        """Read all partitions from where they end now, and return once each is read; raises `KafkaException`.

        A logical end would be looked up when the first fetch is made, so the first records could be missed.
        """
        known: dict[str, Any] = self._consumer.list_topics(timeout=ASK_S).topics
        places = []
        for topic in self._topics:
            if topic not in known:
                raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"there is no topic {topic}"))
            for number in known[topic].partitions:
                _, end = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=ASK_S)
                places.append(TopicPartition(topic, number, end))
        self._consumer.assign(places)
        unread = {(place.topic, place.partition) for place in places}
        due_s = time.monotonic() + BEGIN_WITHIN_S
        while unread:
            message = self._consumer.poll(LOOK_S)
            if message is not None and (message.error() is None or is_end(message)):
                unread.discard((message.topic(), message.partition()))
            if time.monotonic() > due_s:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "not all partitions could be read"))  # noqa: SLF001

    def follow(self) -> None:
        """Say when each record is here, until nobody listens any more."""
        poll, consume, token_of = self._consumer.poll, self._consumer.consume, self._marks.token_of
        pack, write, flush = SIGHTING.pack, sys.stdout.buffer.write, sys.stdout.buffer.flush
        look_s = 0.0
        while True:
            first = poll(LOOK_S)
            now_s = time.monotonic()
            if now_s > look_s:
                if select.select([sys.stdin], [], [], 0)[0]:  # there is nothing to read: its end has come
                    return
                look_s = now_s + LOOK_S
            if first is None:
                continue
            messages = [first, *consume(MOST_AT_ONCE, 0)]
            seen_ns = time.monotonic_ns()
            tokens = [token_of(message) for message in messages if message.error() is None]
            seen = b"".join([pack(token, seen_ns) for token in tokens if token is not None])
            if seen:
                write(seen)
                flush()

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()


def is_end(message: Message) -> bool:
    """Tell whether this is the word that a partition was read to its end."""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - the binding's name for it


def main() -> int:
    """Watch what the first line of the input asks for, until the input ends; return the exit code."""
    ask_for_short_turns()
    watch = msgspec.json.decode(sys.stdin.buffer.readline(), type=Watch)
    try:
        watcher = Watcher(watch)
        watcher.begin()
    except KafkaException as error:
        _answer(Begun(trouble=error.args[0].str()))
        return 1
    _answer(Begun())
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        watcher.follow()
    watcher.close()
    return 0


def _answer(begun: Begun) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(begun) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())

"""The one thread beside gevent's: it waits for what brokers say, and hands it over in bursts.

The binding calls back from within ``poll()``, which blocks; in gevent's thread it would stop all users. Here each
record's time is taken as its callback runs, so a busy event loop adds nothing to it but the wait for the interpreter.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from confluent_kafka import KafkaError, Producer
from gevent.hub import get_hub
from gevent.threadpool import ThreadPool

from seawall.load.kafka.delivery import Delivery
from seawall.load.priority import ask_for_short_turns

POLL_S = 0.1
"""So long the thread may take to notice that it is to end."""
END_WITHIN_S = 3.0
TURN_S = 0.000_5
"""So long gevent's thread may keep the interpreter while this one waits; Python's own 5 ms would be in the acks."""
MOST_AT_ONCE = 64
"""After so many acks, users whose time has come are let in."""


class _Idempotence(msgspec.Struct):
    idemp_state: str = ""


class _Statistics(msgspec.Struct):
    """The part of librdkafka's statistics that is of use here."""

    eos: _Idempotence = msgspec.field(default_factory=_Idempotence)


class AckThread:
    """Serves one producer until it is stopped; belongs to the hub that it was made in."""

    def __init__(self, settings: dict[str, Any], take: Callable[[Delivery], None], hear: Callable[[str], None]) -> None:
        """*take* gets every record with the broker's word, *hear* what went wrong in words; both in gevent's thread.

        Raises `KafkaException` where the producer cannot be made with these *settings*.
        """
        self.acks: deque[Delivery] = deque()
        self.has_producer_id = False
        """Whether an idempotent producer may write."""
        self._take, self._hear = take, hear
        self._said: deque[str] = deque()
        self._decode = msgspec.json.Decoder(_Statistics).decode
        self._stopping = False
        self._producer: Producer | None = Producer(
            {**settings, "error_cb": self._note_error, "stats_cb": self._note_statistics}
        )
        self.produce = self._producer.produce
        self.list_topics = self._producer.list_topics
        self._wake = get_hub().loop.async_(ref=False)
        self._wake.start(self._hand_over)
        self._turn_s = sys.getswitchinterval()
        sys.setswitchinterval(min(TURN_S, self._turn_s))
        self._pool = ThreadPool(1)
        self._served = self._pool.spawn(self._serve)

    def stop(self) -> None:
        """Drop what is not sent, end the producer and the thread; acks that come meanwhile are still handed over."""
        self._stopping = True
        del self.produce, self.list_topics  # the thread lets go of the producer, since that may take a while
        self._served.wait(END_WITHIN_S)
        sys.setswitchinterval(self._turn_s)
        self._wake.stop()
        if self._served.ready():  # else the thread may still call it
            self._wake.close()
            self._pool.kill()
        while self.acks or self._said:
            self._hand_over()

    def _serve(self) -> None:
        """Wait for events of the producer; runs in the thread, so it touches nothing of gevent's but the wake-up."""
        ask_for_short_turns()
        producer, self._producer = self._producer, None
        assert producer is not None
        while not self._stopping:
            self._poll(producer, POLL_S)
        producer.purge()
        self._poll(producer, 0)

    def _poll(self, producer: Producer, wait_s: float) -> None:
        try:
            producer.poll(wait_s)
        except Exception as error:  # noqa: BLE001 - if it ended, no ack would ever be heard of
            self._said.append(str(error))
        if self.acks or self._said:
            self._wake.send()

    def _hand_over(self) -> None:
        """Give away what came; runs in the hub."""
        while self._said:
            self._hear(self._said.popleft())
        acks, take = self.acks, self._take
        for _ in range(min(len(acks), MOST_AT_ONCE)):
            take(acks.popleft())
        if acks and not self._stopping:
            self._wake.send()  # others first, then the rest

    def _note_error(self, error: KafkaError) -> None:
        self._said.append(error.str())

    def _note_statistics(self, text: str) -> None:
        if not self.has_producer_id:
            self.has_producer_id = self._decode(text).eos.idemp_state == "Assigned"

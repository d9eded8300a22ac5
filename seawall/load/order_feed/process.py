"""``python -m seawall.load.order_feed.process``: reads a `FeedPlan` from its input, sends, and tells how it goes.

It says `ready` once it knows the brokers, begins with the next line of its input, and ends early with that input.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
import time
from array import array
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import KafkaError, Message, Producer

from contract.codecs import HEADER, JsonCodec
from contract.connections import Connections
from contract.ids import mint, new_run
from contract.topics import topic_of
from seawall.load.order_feed.plan import FeedDone, FeedPlan, sendings
from seawall.load.order_feed.records import ORDERS, contents, fields_of
from seawall.load.part_facts import as_metadata
from seawall.load.trial import Progress

FILE = "feed.parquet"
NOT_ACKED = np.iinfo(np.int64).max
_START_S = 0.1
_PROGRESS_S = 0.5
_CONNECT_S = 30.0


class Feed:
    """One feed."""

    def __init__(self, plan: FeedPlan, kafka: dict[str, object]) -> None:
        self._plan = plan
        self._sendings = sendings(plan)
        self._producer = Producer(
            {
                "client.id": "seawall-feed",
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 200_000,
                **kafka,
            }
        )
        count = len(self._sendings.index)
        self._sent_ns = array("q", bytes(8 * count))
        self._acked_ns = np.full(count, NOT_ACKED)
        self._partition = np.full(count, -1, dtype=np.int16)
        self._offset = np.full(count, -1)
        self._acked = self._failed = 0

    def connect(self) -> None:
        """Get to know the brokers, so that the first record is not the one that does."""
        self._producer.list_topics(topic_of(ORDERS), timeout=_CONNECT_S)

    def run(self) -> FeedDone:
        """Send all of it, or what comes before the input ends."""
        plan, whole = self._plan, self._sendings
        pool, run, topic = contents(plan.seed), new_run(), topic_of(ORDERS)
        encode = msgspec.json.Encoder().encode
        headers = [(HEADER, JsonCodec.name.encode())]
        start_ns, wall_ns = time.monotonic_ns() + int(_START_S * 1e9), time.time_ns() + int(_START_S * 1e9)
        event_us = (wall_ns + whole.event_ns) // 1_000
        input_ = _Input()
        told_s, sent = time.monotonic(), 0
        for place, (index, due_ns, event) in enumerate(
            zip(whole.index.tolist(), whole.due_ns.tolist(), event_us.tolist(), strict=True)
        ):
            identity = mint(run, index, 0, ORDERS.number)
            body = encode(ORDERS.record(id=identity, **fields_of(pool, index, event)))
            while (left_ns := start_ns + due_ns - time.monotonic_ns()) > 0:
                self._producer.poll(min(left_ns / 1e9, 0.05))
            self._send(topic, str(identity).encode(), body, headers, place)
            sent += 1
            if (now_s := time.monotonic()) - told_s > _PROGRESS_S:
                told_s = now_s
                _tell(Progress(name=plan.name, answered=self._acked, failed=self._failed))
                if input_.ended:
                    break
        self._producer.flush(plan.grace_s)
        directory = Path(plan.directory) / plan.name
        directory.mkdir(parents=True, exist_ok=True)
        facts = {"run_ms": run.ms, "run_nonce": run.nonce, "seed": plan.seed, "start_ns": start_ns}
        table = pa.table({
            "index": whole.index[:sent], "kind": whole.kind[:sent].astype(np.uint8), "event_us": event_us[:sent],
            "due_ns": (start_ns + whole.due_ns)[:sent], "sent_ns": np.array(self._sent_ns)[:sent],
            "acked_ns": self._acked_ns[:sent], "partition": self._partition[:sent], "offset": self._offset[:sent],
        }).replace_schema_metadata(as_metadata(facts))  # fmt: skip
        partial = directory / "feed.partial"
        pq.write_table(table, partial, compression="zstd", write_page_checksum=True)
        partial.replace(directory / FILE)
        acked_ns = self._acked_ns[self._acked_ns != NOT_ACKED]
        process = psutil.Process()
        times = process.cpu_times()
        return FeedDone(
            start_ns=start_ns,
            end_ns=int(acked_ns.max()) if len(acked_ns) else time.monotonic_ns(),
            sent=sent,
            cpu_s=times.user + times.system,
            rss_bytes=process.memory_info().rss,
        )

    def _send(self, topic: str, key: bytes, body: bytes, headers: list[tuple[str, bytes]], place: int) -> None:
        def note(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failed += 1
                return
            self._acked += 1
            self._acked_ns[place] = time.monotonic_ns()
            self._partition[place], self._offset[place] = message.partition() or 0, message.offset() or 0

        self._sent_ns[place] = time.monotonic_ns()
        while True:
            try:
                self._producer.produce(topic, body, key, headers=headers, on_delivery=note)  # type: ignore[arg-type]
            except BufferError:
                self._producer.poll(0.05)
                continue
            break
        self._producer.poll(0)


class _Input:
    """Tells whether who started us is gone, or wants us to end."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)

    @property
    def ended(self) -> bool:
        return bool(self._selector.select(0)) and not os.read(sys.stdin.fileno(), 1)


def _tell(message: Progress | FeedDone) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), msgspec.json.encode(message) + b"\n")


def _line() -> bytes:
    """Read one line without reading ahead."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(sys.stdin.fileno(), 1)
        if not byte:
            sys.exit(1)
        line += byte
    return line


def main() -> None:
    """Send what the input asks for."""
    feed = Feed(msgspec.json.decode(_line(), type=FeedPlan), Connections.read().kafka)
    feed.connect()
    os.write(sys.stdout.fileno(), b"ready\n")
    _line()
    _tell(feed.run())


if __name__ == "__main__":
    main()

"""Apache Kafka: the embedded nodes and what is asked of any cluster."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from seawall.stack import jvm, kafka
from seawall.stack.errors import BadOptions, Unreachable
from seawall.stack.jars import JarCache, kafka_version
from seawall.stack.java import find_java
from seawall.stack.stack import Stack

_TEMPLATE = Path(kafka.__file__).with_name(f"kafka-{kafka_version()}.checkpoint")


def without_times(checkpoint: bytes) -> bytes:
    """Return the record batches without their checksums and times, which differ from one run to the next."""
    found, place = b"", 0
    while place < len(checkpoint):
        (length,) = struct.unpack_from(">i", checkpoint, place + 8)
        batch = bytearray(checkpoint[place : place + 12 + length])
        batch[17:21] = bytes(4)  # CRC-32C
        batch[27:43] = bytes(16)  # first and last time
        if place == 0:
            batch = batch[:61]  # the snapshot's header record holds a time of its own
        found, place = found + bytes(batch), place + 12 + length
    return found


def test_the_kept_checkpoint_is_what_the_storage_tool_writes(stack: Stack, tmp_path: Path) -> None:
    """Storage formatted from the file is storage formatted by Kafka's own tool of this version."""
    quorum = kafka.Quorum([(19092, 19093)])
    jars = JarCache()
    node = kafka.KafkaNode(1, quorum, java=find_java(), jars=jars, directory=tmp_path, log=tmp_path / "log")
    node.prepare()
    ours = (tmp_path / "data" / "bootstrap.checkpoint").read_bytes()
    names = re.findall(r"^[a-z.]+=", (tmp_path / "data" / "meta.properties").read_text(), flags=re.MULTILINE)
    for path in (tmp_path / "data").iterdir():
        path.unlink()
    node.format_with_its_tool()
    theirs = (tmp_path / "data" / "bootstrap.checkpoint").read_bytes()
    assert without_times(ours) == without_times(theirs)
    assert sorted(names) == sorted(
        re.findall(r"^[a-z.]+=", (tmp_path / "data" / "meta.properties").read_text(), flags=re.MULTILINE)
    )


def test_topics_have_what_was_asked_for(stack: Stack) -> None:
    """Partitions and replication are read back from the broker."""
    settings = stack.settings()["kafka"]
    assert settings["brokers"] == 1
    assert settings["topics"]["seawall.users"]["partitions"] == stack.state.partitions
    assert settings["topics"]["seawall.users"]["replication_factor"] == 1


def test_a_cluster_that_is_not_there_is_named_with_its_setting() -> None:
    """The message names the setting and the address."""
    with pytest.raises(Unreachable, match=r"SEAWALL_KAFKA_BOOTSTRAP_SERVERS.*127\.0\.0\.1:9.*refused"):
        kafka.check({"bootstrap.servers": "127.0.0.1:9"})


def test_a_cluster_that_is_there_answers(stack: Stack) -> None:
    """The check is a real request."""
    assert kafka.check(stack.connections.kafka) == "1 broker"


def test_a_heap_that_java_would_not_understand_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is checked before a JVM is started with it."""
    monkeypatch.setenv("SEAWALL_KAFKA_HEAP", "lots")
    with pytest.raises(BadOptions, match="512m"):
        jvm.heap_size({})


def test_ids_are_what_kafka_takes() -> None:
    """22 characters of base64, none of which reads as an option."""
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", kafka.new_id()) for _ in range(500))

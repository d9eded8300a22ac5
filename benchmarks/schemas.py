"""What does each serializer cost, and which changes of a schema does a registry take?

First records of the ordinary shop are written and read by each serializer, in processor time of one core. Then changes
of a schema are put to a real registry, each as the next version of today's; what is taken is written, and read by the
codec of today, as a sink would that was not started anew yet.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import fastavro
import msgspec

from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.schema_changes import USERS, Change, changes, today
from contract.codecs import CODECS, Codec, JsonCodec
from contract.entities import ENTITIES, Entity, Record
from contract.errors import InvalidRecord, SchemaRefused
from contract.framing import frame
from contract.ids import base_id
from contract.keys import KEY_CODECS
from contract.registry import Registry, SchemaRegistry
from contract.samples import sample_fields
from contract.schemas import AVRO
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

RECORDS, QUICK_RECORDS = 6_000, 300
ROUNDS, QUICK_ROUNDS = 9, 1
_SAID_CHARACTERS = 110

Records = list[tuple[Entity, Record]]


def costs(registry: Registry, count: int, rounds: int, seed: int) -> list[Figure]:
    """Return bytes and processor time of a record for each serializer, beside those of JSON."""
    records = _records(count, seed)
    codecs = [make(registry) for make in CODECS.values()]
    for codec in codecs:
        codec.prepare()
    ways: dict[str, Callable[[Codec], list[float]]] = {
        "bytes of a value": lambda codec: [_bytes(codec, records)],
        "us to write it": lambda codec: [_write_us(codec, records) for _ in range(rounds)],
        "us to read and check it": lambda codec: [_read_us(codec, records) for _ in range(rounds)],
    }
    found = []
    for name, way in ways.items():
        measured = {codec.name: min(way(codec)) for codec in codecs}
        beside = measured[JsonCodec.name]
        found += [
            Figure(name=f"{one}: {name}", measured=figure, beside=beside, error=f"{figure / beside:.2f} times")
            for one, figure in measured.items()
        ]
    return found + _keys(registry)


def _keys(registry: Registry) -> list[Figure]:
    identity, lengths = base_id(1, USERS.number), {}
    for name, make in KEY_CODECS.items():
        codec = make(registry)
        codec.prepare()
        lengths[name] = len(codec.encode(USERS, identity))
    return [
        Figure(name=f"{name}: bytes of a key", measured=one, beside=lengths["json"]) for name, one in lengths.items()
    ]


def _records(count: int, seed: int) -> Records:
    return [
        (entity, entity.record(id=base_id(number, entity.number), **fields))
        for entity in ENTITIES.values()
        for number, fields in enumerate(sample_fields(entity, seed, count // len(ENTITIES)))
    ]


def _bytes(codec: Codec, records: Records) -> float:
    return sum(len(codec.encode(entity, record)) for entity, record in records) / len(records)


def _write_us(codec: Codec, records: Records) -> float:
    begun_s = time.thread_time()
    for entity, record in records:
        codec.encode(entity, record)
    return (time.thread_time() - begun_s) / len(records) * 1e6


def _read_us(codec: Codec, records: Records) -> float:
    values = [(entity, codec.encode(entity, record)) for entity, record in records]
    begun_s = time.thread_time()
    for entity, value in values:
        codec.decode(entity, value)
    return (time.thread_time() - begun_s) / len(records) * 1e6


def evolution(registry: Registry) -> list[Figure]:
    """Return what the registry says to each change: 1 where it takes it, 0 where it refuses."""
    return [_tried(registry, change) for change in changes()]


def _tried(registry: Registry, change: Change) -> Figure:
    registry.register(change.subject, today(change.kind), change.kind)
    try:
        schema_id = registry.register(change.subject, change.schema, change.kind)
    except SchemaRefused as error:
        taken, said = False, f"refused: {str(error).rpartition('diff types: ')[2][:_SAID_CHARACTERS]}"
    else:
        taken, said = True, "taken"
        if change.kind == AVRO:
            said += f"; a sink of today {_read_by_today(registry, schema_id, change)}"
    return Figure(
        name=f"{change.kind.lower()}: {change.name}",
        measured=int(taken),
        error=said,
        asked="taken" if change.is_taken else "refused",
        reached=taken == change.is_taken,
    )


def _read_by_today(registry: Registry, schema_id: int, change: Change) -> str:
    """Return what becomes of a record that is written by the new schema before sinks know it."""
    ((_, record),) = [one for one in _records(len(ENTITIES), 1) if one[0] is USERS]
    fields = {**msgspec.structs.asdict(record), "id": record.id.bytes, **change.new}
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(change.schema)), fields)
    try:
        CODECS["avro"](registry).decode(USERS, frame(schema_id) + stream.getvalue())
    except InvalidRecord:
        return "cannot read it: start sinks of the new version first"
    return "reads it"


def main(arguments: Sequence[str]) -> int:
    """Start a registry, measure, try all changes, and return 0 if each met with what was expected."""
    asked = argument_parser("schemas", __doc__).parse_args(arguments)
    report = BenchmarkReport(
        benchmark="schemas",
        question="what does each serializer cost, and which changes of a schema does a registry take?",
        quick=asked.quick,
        beside_name="JSON",
    )
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-schemas-") as directory:
        os.environ["SEAWALL_HOME"] = str(Path(directory) / "home")
        stack = Stack.up(StackOptions(kafka=False, registry=True), owner="bench schemas")
        try:
            url = stack.connections.registry_url
            assert url is not None
            registry = SchemaRegistry(url.get_secret_value())
            count, rounds = (QUICK_RECORDS, QUICK_ROUNDS) if asked.quick else (RECORDS, ROUNDS)
            report.figures += [*costs(registry, count, rounds, asked.seed), *evolution(registry)]
        finally:
            stack.down()
    report.notes.append(
        "The registry asks for BACKWARD: readers of the new version can read what was written by the one before. "
        "That says nothing of readers of today, so sinks are upgraded before the API."
    )
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

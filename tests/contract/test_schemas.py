"""A real schema registry, asked as API and sinks ask it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from new_records import new_record
from schema_registry import running

from contract.codecs import CODECS
from contract.entities import ENTITIES
from contract.errors import InvalidRecord, NoSchema, RegistryUnavailable, SchemaRefused
from contract.framing import frame, schema_id_of
from contract.keys import KEY_CODECS, identity_of
from contract.registry import NoRegistry, SchemaRegistry
from contract.schemas import AVRO, PROTOBUF, avro_schema, protobuf_schema
from contract.topics import value_subject

USERS = ENTITIES["users"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a registry for this module."""
    with running(tmp_path_factory.mktemp("schemas") / "registry") as (registry, _):
        yield registry.url


@pytest.fixture(params=["avro", "protobuf"])
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of each codec that needs a registry."""
    return str(request.param)


def test_another_process_reads_by_the_id_alone(url: str, name: str) -> None:
    """It shares nothing with the writer but the registry; and asking again gives the same ids."""
    writer, again = CODECS[name](SchemaRegistry(url)), CODECS[name](SchemaRegistry(url))
    writer.prepare()
    again.prepare()
    for entity in ENTITIES.values():
        record = new_record(entity)
        value = writer.encode(entity, record)
        assert value == again.encode(entity, record)
        assert CODECS[name](SchemaRegistry(url)).decode(entity, value) == record
        assert entity.record.__name__ in SchemaRegistry(url).schema(schema_id_of(value))
    key = KEY_CODECS[name](SchemaRegistry(url))
    key.prepare()
    record = new_record(USERS)
    assert identity_of(key.encode(USERS, record.id)) == record.id


def _with_a_field(name: str, *, default: bool) -> str:
    """Return the schema of users with one field more, without a default that Avro would want, or with it."""
    if name == "protobuf":
        return protobuf_schema(USERS).replace("}", "  string nickname = 20;\n}")
    schema = avro_schema(USERS)
    schema["fields"].append({"name": "nickname", "type": "string", **({"default": ""} if default else {})})
    return json.dumps(schema)


def _with_another_type(name: str) -> str:
    """Return the schema of users where their age is text."""
    if name == "protobuf":
        return protobuf_schema(USERS).replace("int64 age", "string age")
    return json.dumps(avro_schema(USERS)).replace('"age", "type": "long"', '"age", "type": "string"')


def test_a_compatible_schema_is_taken_and_an_incompatible_one_refused(url: str, name: str) -> None:
    """What a reader of the new version could not read of the old one is no next version, and leaves no trace."""
    kind, subject = {"avro": AVRO, "protobuf": PROTOBUF}[name], f"evolving-{name}-value"
    registry = SchemaRegistry(url)
    first = registry.register(
        subject, json.dumps(avro_schema(USERS)) if name == "avro" else protobuf_schema(USERS), kind
    )
    other = _with_another_type(name)
    assert not registry.is_compatible(subject, other, kind)
    with pytest.raises(SchemaRefused, match=r"(?s)says: .*ncompatible.*(age|/fields/2)"):
        registry.register(subject, other, kind)
    wider = _with_a_field(name, default=True)
    assert registry.is_compatible(subject, wider, kind)
    assert registry.register(subject, wider, kind) > first
    if name == "avro":
        with pytest.raises(SchemaRefused):
            registry.register(subject, _with_a_field(name, default=False).replace("nickname", "title"), kind)


def test_a_record_of_the_next_version_is_read_by_this_one(url: str) -> None:
    """The field that this program does not know is passed over."""
    registry = SchemaRegistry(url)
    codec = CODECS["avro"](registry)
    codec.prepare()
    user = new_record(USERS)
    later = registry.register(value_subject(USERS, "avro"), _with_a_field("avro", default=True), AVRO)
    assert codec.decode(USERS, frame(later) + codec.encode(USERS, user)[5:] + b"\x06abc") == user
    with pytest.raises(InvalidRecord, match="99999"):
        codec.decode(USERS, frame(99_999))


@pytest.mark.long
def test_a_writer_whose_schema_is_refused_says_why(url: str, name: str) -> None:
    """It does not write what readers could not read."""

    class Changed(SchemaRegistry):
        """Hands over another schema than the codec's, as a later program would."""

        def register(self, subject: str, schema: str, kind: str) -> int:
            return super().register(f"changed-{kind}-{subject}", schema, kind)

    registry = Changed(url)
    kind = {"avro": AVRO, "protobuf": PROTOBUF}[name]
    registry.register(value_subject(USERS, name), _with_another_type(name), kind)
    with pytest.raises(SchemaRefused, match=r"(age|/fields/2)"):
        CODECS[name](registry).prepare()


def test_a_registry_that_is_away_is_told_from_a_schema_that_is_not_there(url: str) -> None:
    """One may come back, the other is no use waiting for; neither message holds the password."""
    with pytest.raises(NoSchema, match="99999"):
        SchemaRegistry(url).schema(99_999)
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1:9 does not answer") as caught:
        SchemaRegistry("http://user:secret@127.0.0.1:9").schema(1)
    assert "secret" not in str(caught.value)
    with pytest.raises(RegistryUnavailable):
        SchemaRegistry(url.replace("seawall:", "seawall:x")).schema(1)
    with pytest.raises(RegistryUnavailable, match="SEAWALL_REGISTRY_URL"):
        CODECS["avro"](NoRegistry()).prepare()

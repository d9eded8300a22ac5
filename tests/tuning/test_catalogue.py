"""The knobs hold to what librdkafka, Kafka and the shipped service say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from pydantic import ValidationError

from api.settings import Settings as ApiSettings
from api.writes.kafka import KafkaPath
from seawall.tuning.catalogue import full_name, knob_named, knobs
from seawall.tuning.errors import BadSettings
from seawall.tuning.knob import Knob, Place, Value, as_text
from workers.sink.consumer import Sink
from workers.sink.postgresql import PostgreSQL
from workers.sink.settings import Settings as SinkSettings

CLIENTS = [knob for knob in knobs().values() if knob.place in (Place.PRODUCER, Place.CONSUMER)]
NOBODY = {"bootstrap.servers": "127.0.0.1:1"}


def refused(knob: Knob, value: Value) -> str:
    """Return what librdkafka says against a value; empty where it takes it."""
    configuration: dict[str, Any] = {**NOBODY, "log_level": 0, knob.name: value}
    try:
        if knob.place is Place.PRODUCER:
            Producer(configuration)
        else:
            Consumer({**configuration, "group.id": "nobody"})
    except KafkaException as error:
        return str(error.args[0].str())
    return ""


@pytest.mark.parametrize("knob", CLIENTS, ids=full_name)
def test_librdkafka_has_the_range_and_the_choices(knob: Knob) -> None:
    """A value outside is refused by it with the very range, and every choice is taken."""
    if knob.range is not None:
        told = re.search(r"allowed range (-?\d+)\.\.(\d+)", refused(knob, -1_000_000))
        assert told
        assert (int(told[1]), int(told[2])) == knob.range
    else:
        assert knob.choices
        assert refused(knob, "nonsense")
        assert [choice for choice in knob.choices if refused(knob, choice)] == []


def test_levels_hold_the_default_and_what_is_shipped() -> None:
    """A sweep without the default says nothing about turning it."""
    for knob in knobs().values():
        texts = [as_text(level) for level in knob.levels]
        assert as_text(knob.default) in texts or knob.name == "max.in.flight.requests.per.connection", knob.name
        assert as_text(knob.shipped) in texts, knob.name
        assert len(set(texts)) == len(texts), knob.name
        assert [wrong for level in knob.levels if (wrong := knob.check(level))] == []
        assert (knob.range is None) != (knob.choices is None), knob.name
        assert knob.means.endswith("."), knob.name


def test_what_is_shipped_is_what_the_service_sets() -> None:
    """The catalogue's word on Seawall's own values holds for API and sink."""
    configured = {
        Place.PRODUCER: KafkaPath(dict(NOBODY), ApiSettings())._configuration,
        Place.CONSUMER: Sink(dict(NOBODY), PostgreSQL("postgresql://"), SinkSettings())._configuration,
    }
    for (place, name), knob in knobs().items():
        if place in (Place.SINK, Place.API):
            settings = SinkSettings() if place is Place.SINK else ApiSettings()
            set_to = getattr(settings, name.removeprefix("SEAWALL_").lower())
        elif name in configured.get(place, {}):
            set_to = configured[place][name]
        else:
            continue
        assert _alike(set_to, knob.shipped), name


def test_the_api_takes_every_choice() -> None:
    """And no other, in words that name them."""
    for (place, name), knob in knobs().items():
        if place is Place.API:
            field = name.removeprefix("SEAWALL_").lower()
            values = knob.levels if knob.choices is None else knob.choices
            taken = [ApiSettings.model_validate({field: value}) for value in values]
            assert [getattr(settings, field) for settings in taken] == [*knob.levels]
            with pytest.raises(ValidationError):
                ApiSettings.model_validate({field: "nonsense"})


def _alike(one: Value, other: Value) -> bool:
    texts = {{"all": "-1"}.get(as_text(value), as_text(value)) for value in (one, other)}
    return len(texts) == 1 or len({float(text) for text in texts}) == 1


def test_a_knob_is_found_by_its_name_and_missed_in_words() -> None:
    """Where two places share a name, the place has to be said; where none has it, similar ones are named."""
    assert knob_named("linger.ms").place is Place.PRODUCER
    assert knob_named("topic.compression.type").place is Place.TOPIC
    assert knob_named("offset_commits").place is Place.SINK
    assert knob_named("transactions").place is knob_named("flush_every").place is Place.API
    assert knob_named("value_serializer") is knob_named("SEAWALL_VALUE_SERIALIZER")
    with pytest.raises(BadSettings, match="do you mean SEAWALL_VALUE_SERIALIZER"):
        knob_named("value_serialiser")
    with pytest.raises(BadSettings, match=r"say producer\.compression\.type or topic\.compression\.type"):
        knob_named("compression.type")
    with pytest.raises(BadSettings, match=r"do you mean linger\.ms"):
        knob_named("linger.sm")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("linger.ms", "soon", "give a whole number"),
        ("linger.ms", "-1", "choose 0 to 900,000"),
        ("producer.compression.type", "brotli", "choose none, gzip, snappy, lz4, zstd"),
        ("enable.idempotence", "yes", "choose false, true"),
        ("assignor", "sticky", "the eager sticky assignor is not in librdkafka"),
        ("partition.assignment.strategy", "sticky", "the eager sticky assignor is not in librdkafka"),
    ],
)
def test_a_value_that_is_none_is_refused(name: str, text: str, words: str) -> None:
    """With what would do."""
    with pytest.raises(ValueError, match=words):
        knob_named(name).read(text)

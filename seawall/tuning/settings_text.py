"""Settings as text: a settings file, and environment variables for those who start services by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Place


def as_toml(settings: KafkaSettings) -> str:
    """Return what `read_settings` reads as *settings*."""
    return "\n".join(_lines(settings)) + "\n"


def as_environment(settings: KafkaSettings) -> str:
    """Return a line a variable, of API and sinks alike, as Compose's `env_file` and a ConfigMap's take them.

    What topics, brokers and their Java have to be told otherwise stands in comments.
    """
    lines = [f"# {settings.about}"] if settings.about else []
    for variables in settings.variables().values():
        lines += [f"{name}={value}" for name, value in sorted(variables.items())]
    for place in (Place.TOPIC, Place.BROKER, Place.STACK):
        lines += [f"# {place}: {name}={value}" for name, value in settings.texts(place).items()]
    return "\n".join(lines) + "\n"


def _lines(settings: KafkaSettings) -> Iterator[str]:
    if settings.about:
        yield f"about = {_value(settings.about)}"
    for place in Place:
        if values := settings.of(place):
            yield ""
            yield f"[{place}]"
            yield from (f"{_value(name)} = {_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    """Return a text, number or truth value as TOML writes it, which is as JSON does."""
    return msgspec.json.encode(value).decode()

"""What a message of the log says, however it was written: by the codec that its header names, else as JSON or text."""

from __future__ import annotations

from typing import Any

import msgspec
from confluent_kafka import Message

from contract.codecs import CODECS, HEADER, Codec, JsonCodec
from contract.errors import InvalidRecord, RegistryError
from contract.keys import HEADER as KEY_HEADER
from contract.keys import text_of
from contract.registry import Registry
from contract.topics import entity_of


class Decoding:
    """Reads messages, with schemas of a registry where there is one."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._codecs: dict[str, Codec] = {}

    def value(self, message: Message) -> tuple[Any, bool]:
        """Return what the message holds, and whether that is more than its text or its hexadecimal digits."""
        value = message.value()
        if value is None:
            return None, False
        name = as_text(dict(message.headers() or ()).get(HEADER))
        if name in CODECS and name != JsonCodec.name:
            try:
                record = self._codec(name).decode(entity_of(message.topic() or ""), value)
                return msgspec.to_builtins(record), True
            except (InvalidRecord, RegistryError, KeyError):
                pass  # a stranger's, or the registry is away: its bytes are there to see
        try:
            return msgspec.json.decode(value), True
        except msgspec.DecodeError:
            return as_text(value), False

    def key(self, message: Message) -> str | None:
        """Return the key as text: the id, where it was written in another form."""
        key: Any = message.key()
        if isinstance(key, bytes) and KEY_HEADER in dict(message.headers() or ()):
            return as_text(text_of(key) or key)
        return as_text(key)

    def _codec(self, name: str) -> Codec:
        if name not in self._codecs:
            self._codecs[name] = CODECS[name](self._registry)
        return self._codecs[name]


def as_text(value: Any) -> str | None:
    """Return bytes as text, or as hexadecimal digits where they are none."""
    if not isinstance(value, bytes):
        return None if value is None else str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"

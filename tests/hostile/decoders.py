"""What decodes bytes of strangers, each with what must hold whatever they are; a breach is an exception."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from kept_schemas import Kept

from api.guard import Keyring
from contract.api_keys import Scope, parse_keys
from contract.codecs import CODECS, Codec
from contract.entities import EARLIEST, ENTITIES, LATEST, Entity, parse
from contract.errors import BadApiKeys, InvalidRecord
from contract.journal import Entry
from seawall.targets.errors import BadTargets
from seawall.targets.parse import parse_targets

_encode = msgspec.json.Encoder().encode
_journal = msgspec.json.Decoder(Entry)
_LONGEST_REASON = 400


def a_record(entity: Entity) -> Callable[[bytes], None]:
    """Return what decodes records: a body is refused in a short line, or is one that comes back the same."""

    def check(data: bytes) -> None:
        refused = None
        try:
            record = parse(entity, data)
        except InvalidRecord as error:
            refused = str(error)
        if refused is not None:
            assert len(refused) < _LONGEST_REASON
            return
        assert parse(entity, _encode(record)) == record
        assert all("\0" not in value for value in msgspec.structs.astuple(record) if isinstance(value, str))
        moments = [getattr(record, name) for name in entity.fields if name.endswith("_at")]
        assert all(EARLIEST <= moment < LATEST for moment in moments)
        for codec in _codecs:
            assert codec.decode(entity, codec.encode(entity, record)) == record

    return check


def _made() -> list[Codec]:
    registry = Kept()
    made = [make(registry) for make in CODECS.values()]
    for codec in made:
        codec.prepare()
    return made


_codecs = _made()
MESSAGES = {f"a message in {codec.name}": codec for codec in _codecs}
"""What decodes messages of users, by its name in `DECODERS`."""


def a_message(entity: Entity, codec: Codec) -> Callable[[bytes], None]:
    """Return what decodes a message of the log: it is refused in a short line, or is a record that comes back."""

    def check(data: bytes) -> None:
        refused = None
        try:
            record = codec.decode(entity, data)
        except InvalidRecord as error:
            refused = str(error)
        if refused is not None:
            assert len(refused) < _LONGEST_REASON
            return
        assert codec.decode(entity, codec.encode(entity, record)) == record
        assert parse(entity, _encode(record)) == record

    return check


def keys(data: bytes) -> None:
    """A file of keys is refused, or every key in it has a name, scopes and a digest."""
    text = data.decode(errors="replace")
    try:
        found = parse_keys(text)
    except BadApiKeys:
        return
    assert all(key.name and key.scopes and len(key.digest) == 32 for key in found)
    assert len({key.name for key in found}) == len(found)


_ring: list[Keyring] = []


def a_header(data: bytes) -> None:
    """No credentials but a key open the door."""
    if not _ring:
        with tempfile.NamedTemporaryFile("w", suffix=".keys") as file:
            file.write(f"fuzz write {'5' * 64}\n")
            file.flush()
            _ring.append(Keyring(Path(file.name)))
    assert _ring[0].refusal(data, Scope.WRITE) is not None


def targets(data: bytes) -> None:
    """A targets file is refused with the places of its mistakes, or has targets."""
    mistakes = None
    try:
        found = parse_targets(data.decode(errors="replace"), "fuzz.toml")
    except BadTargets as error:
        mistakes = error.mistakes
    assert found.targets if mistakes is None else mistakes


def a_journal_line(data: bytes) -> None:
    """A line of a sink's journal is one, or is refused by msgspec in its own words."""
    try:
        _journal.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return


DECODERS: dict[str, Callable[[bytes], None]] = {
    **{name: a_record(entity) for name, entity in ENTITIES.items()},
    **{name: a_message(ENTITIES["users"], codec) for name, codec in MESSAGES.items()},
    "keys": keys,
    "a header": a_header,
    "targets": targets,
    "a journal's line": a_journal_line,
}

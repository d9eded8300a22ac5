"""The entities: one declaration each, from which validation, tables, topics, OpenAPI and audit follow.

To add one, see docs/adding-an-entity.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from contract.errors import InvalidRecord
from contract.ids import ENTITY_BITS

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
LongText = Annotated[str, msgspec.Meta(max_length=4000)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Cents = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record as a client sends it: every field required, none unknown, the id minted by the client."""

    id: UUID

    def __post_init__(self) -> None:
        for name in _moments(type(self)):
            if not EARLIEST <= getattr(self, name) < LATEST:
                raise ValueError(f"`{name}` must lie between 1970 and 2200")


class Product(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is sold."""

    sku: Code
    name: ShortText
    description: LongText
    category: Code
    price_cents: Cents
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", max_length=3)]
    stock: Count
    created_at: Moment


class User(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who buys."""

    name: ShortText
    age: Annotated[int, msgspec.Meta(ge=0, le=150)]
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern="^[^@ ]+@[^@ ]+$")]
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$", max_length=2)]
    city: ShortText
    created_at: Moment


class Order(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One user's purchase of one product; the API checks through its lookups that both exist."""

    user_id: UUID
    product_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    total_cents: Cents
    status: Literal["new", "paid", "shipped", "cancelled"]
    note: LongText
    placed_at: Moment


class Review(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says of a product; the reviews of one job were collected together and are read in their order."""

    job_id: UUID
    review_id: Annotated[int, msgspec.Meta(ge=0, le=10**12)]
    """Its number where it was written."""
    product_id: UUID
    rating: Annotated[int, msgspec.Meta(ge=1, le=5)]
    review_text: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    written_at: Moment


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of record: its plural name (in paths, tables and topics), its number in ids, and its fields."""

    name: str
    number: int  # four bits of every id of this kind: never reuse one
    record: type[Record]
    references: dict[str, str] = {}  # field -> entity that must exist, checked through the lookups
    lookup: bool = False  # served by GET /v1/{name}/{id}
    base_rows: int = 0  # rows that every fresh state holds

    @property
    def fields(self) -> tuple[str, ...]:
        """The record's field names, in the order of the table's columns; the first is ``id``."""
        return self.record.__struct_fields__


def _registered(*entities: Entity) -> dict[str, Entity]:
    """Return *entities* by name; raises `ValueError` where two would share ids or a number does not fit."""
    numbers = [entity.number for entity in entities]
    if len(set(numbers)) != len(numbers) or not all(1 <= number < 1 << ENTITY_BITS for number in numbers):
        raise ValueError(f"every entity needs a number of its own between 1 and {(1 << ENTITY_BITS) - 1}: {numbers}")
    return {entity.name: entity for entity in entities}


ENTITIES: dict[str, Entity] = _registered(
    Entity(name="products", number=1, record=Product, lookup=True, base_rows=200),
    Entity(name="users", number=2, record=User, lookup=True, base_rows=1_000),
    Entity(
        name="orders",
        number=3,
        record=Order,
        references={"user_id": "users", "product_id": "products"},
    ),
    Entity(name="reviews", number=4, record=Review, references={"product_id": "products"}),
)

_decoders = {name: msgspec.json.Decoder(entity.record) for name, entity in ENTITIES.items()}
_REASON_CHARACTERS = 200  # an unknown field is named, and names can be long
_BACKSLASH = ord("\\")
_escaped_nul = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def parse(entity: Entity, body: bytes) -> Record:
    """Decode and validate one JSON record of *entity*.

    Raises `InvalidRecord` with a reason and a JSON pointer; the reason never repeats the value.
    """
    # NUL can stand in JSON text, but PostgreSQL cannot store it; it can only come as an escape, so this is rarely true.
    # One byte is looked for first: that takes an eighth of the time.
    if _BACKSLASH in body and b"\\u0000" in body and _escaped_nul.search(body):
        raise InvalidRecord("a NUL character cannot be stored")
    try:
        return _decoders[entity.name].decode(body)
    except msgspec.ValidationError as error:
        raise _refused(error) from None
    except msgspec.DecodeError as error:
        raise InvalidRecord(f"not valid JSON: {error}", malformed=True) from None
    except UnicodeDecodeError:
        raise InvalidRecord("not valid UTF-8", malformed=True) from None
    except RecursionError:
        raise InvalidRecord("nested too deeply", malformed=True) from None


def from_fields(entity: Entity, fields: dict[str, Any], *, ids: Iterable[str] = ()) -> Record:
    """Validate a record of *entity* that was not JSON; raises `InvalidRecord` as `parse` does.

    The fields named by *ids* are ids of 16 bytes; elsewhere text may stand for ids and times, as in JSON.
    """
    try:
        for name in ids:
            fields[name] = UUID(bytes=fields[name])
    except (KeyError, TypeError, ValueError):
        raise InvalidRecord("an id of 16 bytes is missing", malformed=True) from None
    if any("\0" in value for value in fields.values() if isinstance(value, str)):
        raise InvalidRecord("a NUL character cannot be stored")
    try:
        return msgspec.convert(fields, entity.record)
    except msgspec.ValidationError as error:
        raise _refused(error) from None


def _refused(error: msgspec.ValidationError) -> InvalidRecord:
    reason, _, path = str(error).partition(" - at `$")
    # the only reason of msgspec that repeats a value
    reason = "Invalid enum value" if reason.startswith("Invalid enum value") else reason[:_REASON_CHARACTERS]
    return InvalidRecord(reason, pointer=_pointer(path))


def field_type(record: type[Record], name: str) -> tuple[type, msgspec.Meta]:
    """Return the plain type of a field and its limits; a ``Literal`` counts as ``str``."""
    hint: Any = get_type_hints(record, include_extras=True)[name]
    meta = msgspec.Meta()
    if get_origin(hint) is Annotated:
        hint, meta = get_args(hint)[:2]
    if get_origin(hint) is Literal:
        meta = msgspec.Meta(max_length=max(len(choice) for choice in get_args(hint)))
        hint = str
    return hint, meta


_moment_fields: dict[type[Record], tuple[str, ...]] = {}


def _moments(record: type[Record]) -> tuple[str, ...]:
    if record not in _moment_fields:
        _moment_fields[record] = tuple(
            name for name in record.__struct_fields__ if field_type(record, name)[0] is datetime
        )
    return _moment_fields[record]


def _pointer(path: str) -> str:
    return path.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "")

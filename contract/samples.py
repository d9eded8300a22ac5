"""Seeded, realistic records of every entity: base rows and load payloads come from here.

Names in several scripts, prices and texts with long tails, so that neither compression nor UTF-8 has it easy.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple, get_origin, get_type_hints
from uuid import UUID

import msgspec

from contract.entities import ENTITIES, Entity, Record, field_type
from contract.ids import base_id
from contract.review_texts import review_text

_GIVEN = [
    "Amélie", "Björn", "Chloé", "Dmitri", "Elif", "Fatima", "Grace", "Håkon", "Ingrid", "José", "Kaveh", "Lucía",
    "Marek", "Nguyễn", "Olu", "Priya", "Quentin", "Rosa", "Søren", "Tomáš", "Uma", "Violet", "Wei", "Xóchitl",
    "Yara", "Zoë", "민준", "서연", "도윤", "지우", "하은", "太郎", "花子", "明", "芳", "Анна", "Иван", "Ελένη", "محمد", "नेहा",
]  # fmt: skip
_FAMILY = [
    "Andersen", "Bakker", "Çelik", "Dvořák", "Eriksson", "Fernández", "García", "Hoffmann", "Ivanova", "Jansen",
    "김", "이", "박", "최", "정", "Kowalski", "Łukasik", "Müller", "Novák", "O'Brien", "Papadopoulos", "Quispe",
    "Rossi", "Smith", "Tanaka", "Ünal", "Virtanen", "Wang", "Yıldız", "Zhang",
]  # fmt: skip
_PLACES = [
    ("KR", "서울"), ("KR", "부산"), ("DE", "Köln"), ("DE", "Berlin"), ("FR", "Orléans"), ("JP", "東京"), ("US", "Austin"),
    ("BR", "São Paulo"), ("PL", "Łódź"), ("TR", "İzmir"), ("IN", "पुणे"), ("ES", "A Coruña"), ("GR", "Αθήνα"),
]  # fmt: skip
_THINGS = [
    "kettle", "lamp", "backpack", "keyboard", "tent", "notebook", "머그컵", "우산", "운동화", "湯呑み", "Fahrradhelm",
    "cafetière", "linterna", "skrivbord", "čajník",
]  # fmt: skip
_QUALITIES = [
    "small",
    "large",
    "blue",
    "folding",
    "steel",
    "가벼운",
    "튼튼한",
    "leichter",
    "doux",
    "wireless",
    "second-hand",
]
_CATEGORIES = ["kitchen", "outdoor", "office", "fashion", "electronics", "books", "sports"]
_WORDS = (
    "the of a with and for light strong daily care use wash warm cold gift quick good value arrived late early again "
    "배송이 빠르고 품질이 좋아요 포장이 꼼꼼합니다 다시 구매할게요 조금 아쉬워요 sehr zufrieden gern wieder un peu cher mais solide "
    "muy bueno とても便利 丈夫 \"quoted\" 50% & <b>not a tag</b> 😀 naïve — c'est bien"
).split()  # fmt: skip
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def _moment(rng: random.Random) -> datetime:
    return _EPOCH + timedelta(microseconds=rng.randrange(300 * 86_400 * 10**6))


def _text(rng: random.Random, typical_words: float, limit: int = 4000) -> str:
    """Return words whose number has a long tail, cut at *limit* characters."""
    count = int(rng.lognormvariate(0, 0.9) * typical_words)
    return " ".join(rng.choices(_WORDS, k=count))[:limit].strip()


def _cents(rng: random.Random) -> int:
    return max(1, int(rng.lognormvariate(8, 1.2)))


def _product(rng: random.Random) -> dict[str, Any]:
    return {
        "sku": f"{rng.choice('ABCDEFGH')}-{rng.randrange(10**8):08d}",
        "name": f"{rng.choice(_QUALITIES)} {rng.choice(_THINGS)}",
        "description": _text(rng, 18),
        "category": rng.choice(_CATEGORIES),
        "price_cents": _cents(rng),
        "currency": rng.choice(["EUR", "KRW", "USD", "JPY"]),
        "stock": int(rng.expovariate(1 / 60)),
        "created_at": _moment(rng),
    }


def _user(rng: random.Random) -> dict[str, Any]:
    country, city = rng.choice(_PLACES)
    return {
        "name": f"{rng.choice(_GIVEN)} {rng.choice(_FAMILY)}",
        "age": min(110, max(16, int(rng.gauss(38, 14)))),
        "email": f"user{rng.randrange(10**9)}@example.{rng.choice(['com', 'org', 'net'])}",
        "country": country,
        "city": city,
        "created_at": _moment(rng),
    }


def _order(rng: random.Random) -> dict[str, Any]:
    users, products = ENTITIES["users"], ENTITIES["products"]
    quantity = 1 + int(rng.expovariate(1.2))
    return {
        "user_id": base_id(rng.randrange(users.base_rows), users.number),
        "product_id": base_id(rng.randrange(products.base_rows), products.number),
        "quantity": quantity,
        "total_cents": quantity * _cents(rng),
        "status": rng.choices(["new", "paid", "shipped", "cancelled"], weights=[70, 20, 8, 2])[0],
        "note": _text(rng, 4) if rng.random() < 0.4 else "",
        "placed_at": _moment(rng),
    }


def _review(rng: random.Random) -> dict[str, Any]:
    products = ENTITIES["products"]
    opinion, text = review_text(rng)
    return {
        "job_id": UUID(int=rng.getrandbits(128), version=4),
        "review_id": rng.randrange(10**9),
        "product_id": base_id(rng.randrange(products.base_rows), products.number),
        "rating": rng.choice(_RATINGS[opinion]),
        "review_text": text,
        "written_at": _moment(rng),
    }


_RATINGS = {"positive": (4, 5, 5), "neutral": (3,), "negative": (1, 1, 2)}


SAMPLERS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "products": _product,
    "users": _user,
    "orders": _order,
    "reviews": _review,
}
"""For each entity, a function that draws all fields but the id."""


@dataclass(frozen=True)
class Shape:
    """How long records are and how well they compress; None leaves the realistic text as it is drawn.

    Only the entity's longest text field changes, within its column's limit.
    """

    record_bytes: int | None = None
    """About how long the JSON body of each record is."""
    compressibility: float | None = None
    """From 0, text that no compressor finds a pattern in, to 1, the same character again and again."""


AS_DRAWN = Shape()


def sample_fields(entity: Entity, seed: int, count: int, shape: Shape = AS_DRAWN) -> list[dict[str, Any]]:
    """Return *count* drawn field sets of *entity*, without ids; equal seeds give equal fields.

    Raises `ValueError` where *entity* cannot have that *shape*; `check_shape` tells that beforehand.
    """
    rng = random.Random(f"{seed}/{entity.name}")
    drawn = [SAMPLERS[entity.name](rng) for _ in range(count)]
    if shape == AS_DRAWN:
        return drawn
    check_shape(entity, shape)
    rng = random.Random(f"{seed}/{entity.name}/shape")
    text = _longest_text(entity)
    return [{**fields, text.name: _text_of(entity, fields, text, shape, rng)} for fields in drawn]


def check_shape(entity: Entity, shape: Shape) -> None:
    """Raise `ValueError` with what is possible, where records of *entity* cannot have that *shape*."""
    if shape.compressibility is not None and not 0 <= shape.compressibility <= 1:
        raise ValueError(f"the compressibility must lie between 0 and 1, and {shape.compressibility:g} does not")
    if shape == AS_DRAWN:
        return
    text = _longest_text(entity)
    if shape.record_bytes is None:
        return
    others = [_body_bytes(entity, {**fields, text.name: ""}) for fields in sample_fields(entity, 0, _CHECKED)]
    least, most = max(others) + text.shortest, min(others) + text.longest
    if not least <= shape.record_bytes <= most:
        raise ValueError(
            f"records of {entity.name} can be {least} to {most} bytes long, and not {shape.record_bytes:,}:"
            " choose a size between them, or another entity"
        )


_CHECKED = 200
_UNPATTERNED = bytes(character for character in range(33, 127) if chr(character) not in '"\\')
_NO_PATTERN = (_UNPATTERNED * 3)[:256]


class _TextField(NamedTuple):
    """A field of free text, and its limits in characters."""

    name: str
    shortest: int
    longest: int


def _longest_text(entity: Entity) -> _TextField:
    """Return the free text of *entity* that may become longest."""
    hints = get_type_hints(entity.record, include_extras=True)
    found = []
    for name in entity.fields:
        kind, limits = field_type(entity.record, name)
        free = get_origin(hints[name]) is Annotated and limits.pattern is None
        if kind is str and free and limits.max_length is not None:
            found.append(_TextField(name, limits.min_length or 0, limits.max_length))
    if not found:
        raise ValueError(f"records of {entity.name} have no text of changeable length: choose another entity")
    return max(found, key=lambda field: field.longest)


def _body_bytes(entity: Entity, fields: dict[str, Any]) -> int:
    return len(msgspec.json.encode({"id": base_id(0, entity.number), **fields}))


def _text_of(entity: Entity, fields: dict[str, Any], text: _TextField, shape: Shape, rng: random.Random) -> str:
    """Return what the *text* field of a record with these *fields* holds in this *shape*."""
    size = _json_bytes(fields[text.name])
    if shape.record_bytes is not None:
        size = shape.record_bytes - _body_bytes(entity, {**fields, text.name: ""})
    size = min(max(size, text.shortest), text.longest)
    if shape.compressibility is None:
        return _words_of(rng, size)
    repeated = round(size * shape.compressibility)
    return rng.randbytes(size - repeated).translate(_NO_PATTERN).decode("ascii") + "a" * repeated


def _words_of(rng: random.Random, size: int) -> str:
    """Return words that take *size* bytes in JSON; what is too short for a word is filled with full stops."""
    text: list[str] = []
    left = size
    while left > 0:
        word = rng.choice(_WORDS) + " "
        left -= _json_bytes(word)
        text.append(word)
    if left < 0:
        left += _json_bytes(text.pop())
    return "".join(text) + "." * left


def _json_bytes(text: str) -> int:
    return len(msgspec.json.encode(text)) - 2


def base_records(entity: Entity) -> Iterator[Record]:
    """Yield the rows of *entity* that every fresh state holds."""
    for index, fields in enumerate(sample_fields(entity, 0, entity.base_rows)):
        yield entity.record(id=base_id(index, entity.number), **fields)

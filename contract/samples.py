"""Seeded, realistic records of every entity: base rows and load payloads come from here.

Names in several scripts, prices and texts with long tails, so that neither compression nor UTF-8 has it easy.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.entities import ENTITIES, Entity, Record
from contract.ids import base_id

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


SAMPLERS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "products": _product,
    "users": _user,
    "orders": _order,
}
"""For each entity, a function that draws all fields but the id."""


def sample_fields(entity: Entity, seed: int, count: int) -> list[dict[str, Any]]:
    """Return *count* drawn field sets of *entity*, without ids; equal seeds give equal fields."""
    rng = random.Random(f"{seed}/{entity.name}")
    return [SAMPLERS[entity.name](rng) for _ in range(count)]


def base_records(entity: Entity) -> Iterator[Record]:
    """Yield the rows of *entity* that every fresh state holds."""
    for index, fields in enumerate(sample_fields(entity, 0, entity.base_rows)):
        yield entity.record(id=base_id(index, entity.number), **fields)

"""Drawn records, and the shapes they can be brought into."""

from __future__ import annotations

import random
import zlib

import msgspec
import pytest

from contract.entities import ENTITIES, Entity, parse
from contract.ids import base_id
from contract.samples import SAMPLERS, Shape, check_shape, sample_fields

LARGEST = {"products": 4_000, "users": 300, "orders": 4_000, "reviews": 4_000}


def bodies(entity: Entity, shape: Shape, count: int = 300) -> list[bytes]:
    """Return JSON bodies as a client sends them."""
    return [
        msgspec.json.encode({"id": base_id(0, entity.number), **fields})
        for fields in sample_fields(entity, 7, count, shape)
    ]


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=str)
def test_without_a_shape_fields_are_as_they_are_drawn(entity: Entity) -> None:
    """The plain sampler is the only thing that draws."""
    rng = random.Random(f"5/{entity.name}")
    drawn = [SAMPLERS[entity.name](rng) for _ in range(20)]
    assert sample_fields(entity, 5, 20) == sample_fields(entity, 5, 20, Shape()) == drawn


@pytest.mark.parametrize("compressibility", [None, 0.0, 0.5, 1.0])
@pytest.mark.parametrize("entity", ENTITIES.values(), ids=str)
def test_every_body_has_the_asked_size_and_is_valid(entity: Entity, compressibility: float | None) -> None:
    """Size is reached to the byte, and no declared limit is broken."""
    for body in bodies(entity, Shape(LARGEST[entity.name], compressibility)):
        parse(entity, body)
        assert len(body) == LARGEST[entity.name]


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=str)
def test_compressibility_alone_keeps_sizes(entity: Entity) -> None:
    """Bodies are as long as the drawn ones, up to the column's limit of characters."""
    drawn, shaped = bodies(entity, Shape()), bodies(entity, Shape(compressibility=0.3))
    for before, after in zip(drawn, shaped, strict=True):
        parse(entity, after)
        assert len(after) == len(before) or len(after) < len(before) > 4_000


def test_compressibility_orders_how_small_bodies_become() -> None:
    """0 hardly compresses, 1 nearly vanishes, and what lies between lies between."""
    ratios = []
    for compressibility in (0.0, 0.25, 0.5, 0.75, 1.0):
        found = bodies(ENTITIES["products"], Shape(4_000, compressibility), 50)
        ratios.append(sum(len(zlib.compress(body)) for body in found) / sum(map(len, found)))
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 0.8
    assert ratios[-1] < 0.08


def test_equal_seeds_give_equal_shaped_fields() -> None:
    """The audit derives what the generator sent."""
    shape = Shape(900, 0.4)
    assert sample_fields(ENTITIES["orders"], 3, 50, shape) == sample_fields(ENTITIES["orders"], 3, 50, shape)


@pytest.mark.parametrize("size", [1, 100, 1_000, 10**9])
def test_a_size_that_cannot_be_reached_says_what_can(size: int) -> None:
    """The message names the entity and both ends."""
    with pytest.raises(ValueError, match=r"records of users can be \d+ to \d+ bytes long"):
        check_shape(ENTITIES["users"], Shape(size))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_beyond_its_ends_is_refused(share: float) -> None:
    """Compressibility goes from 0 to 1."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        check_shape(ENTITIES["orders"], Shape(compressibility=share))


def test_both_ends_of_what_can_be_reached_are_reached() -> None:
    """The sizes that the message names work."""
    with pytest.raises(ValueError, match="can be") as refused:
        check_shape(ENTITIES["users"], Shape(1))
    words = str(refused.value).split()
    for size in (int(words[5]), int(words[7])):
        assert max(abs(len(body) - size) for body in bodies(ENTITIES["users"], Shape(size))) <= 15

"""What `attain` may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.attain_options import AttainOptions
from seawall.experiments.errors import BadOptions
from seawall.stack.limits import Limits


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"paths": ("sink",)}, "--paths: unknown 'sink'"),
        ({"paths": ()}, "--paths: name some"),
        ({"paths": ("sync", "sync")}, "each once"),
        ({"entity": "x"}, "--entity"),
        ({"stages_per_s": ()}, "--stages: at least one"),
        ({"stages_per_s": (10.0, 5.0)}, "--stages: 10, 5 do not rise"),
        ({"stages_per_s": (5.0, 5.0)}, "do not rise"),
        ({"stages_per_s": (0.0, 5.0)}, "--stages: 0 is not between"),
        ({"stages_per_s": (-1.0,)}, "--stages: -1 is not between"),
        ({"stages_per_s": (float("inf"),)}, "--stages: inf is not between"),
        ({"stages_per_s": (float("nan"),)}, "--stages: nan is not between"),
        ({"stages_per_s": (1e9,)}, "more than one generator offers"),
        ({"mix": "bazaar"}, "--mix: unknown 'bazaar'"),
        ({"mix": "shop", "weights": {"write": 1.0, "reads": 2.0}}, "--weights: unknown 'reads'"),
        ({"mix": "shop", "weights": {"write": 1.0, "cached": -2.0}}, "cached=-2 is no weight"),
        ({"mix": "shop", "weights": {"write": 1.0, "cached": float("inf")}}, "cached=inf is no weight"),
        ({"mix": "shop", "weights": {"cached": 1.0}}, "write must be above 0"),
        ({"weights": {"write": 1.0}}, "those of --mix shop"),
        ({"new_connections": 1.5}, "--new-connections"),
        ({"users": 0}, "--users: 0"),
        ({"repeats": 0}, "--repeats: 0"),
        ({"duration_s": 0.0}, "--duration"),
        ({"duration_s": float("inf")}, "--duration"),
        ({"warmup_s": -1.0}, "--warmup"),
        ({"drain_timeout_s": 0.0}, "--drain-timeout"),
    ],
)
def test_each_mistake_has_its_words(changes: dict[str, Any], says: str) -> None:
    """Whatever cannot be run is refused before anything is started."""
    with pytest.raises(BadOptions) as found:
        AttainOptions(**changes).validate()
    assert says in str(found.value)


def test_all_mistakes_are_named_at_once() -> None:
    """Also those of the machine."""
    with pytest.raises(BadOptions) as found:
        AttainOptions(paths=("x",), stages_per_s=(2.0, 1.0), repeats=0).validate(Limits(1_024, None))
    text = str(found.value)
    for option in ("--paths", "--stages", "--repeats", "--users: 10,000 users need"):
        assert option in text


def test_the_default_stages_are_those_of_a_service_that_grows() -> None:
    """Ranges by their upper ends; the last has none."""
    options = AttainOptions()
    options.validate()
    assert [(stage.name, stage.load_per_s) for stage in options.stages()] == [
        ("100 to 1,000", 1_000), ("1,000 to 5,000", 5_000), ("5,000 to 10,000", 10_000), ("above 10,000", 12_000),
    ]  # fmt: skip
    assert [stage.name for stage in AttainOptions(stages_per_s=(60.0, 80.0)).stages()] == ["up to 60", "60 to 80"]


def test_every_user_sends_in_the_judged_time_and_once_in_ten_seconds() -> None:
    """Where the load is too small for so many, fewer share it."""
    assert [AttainOptions().users_of(load) for load in (1_000.0, 500.0, 0.05)] == [10_000, 5_000, 1]
    assert AttainOptions(duration_s=2.0).users_of(1_000.0) == 2_000


def test_a_mix_is_told_by_scope_and_writes_alone_are_none() -> None:
    """What has no weight is not part of it."""
    assert AttainOptions().scope_weights == {}
    assert AttainOptions().share_of_writes == 1.0
    shop = AttainOptions(mix="shop", weights={"write": 1.0, "cached": 3.0, "uncached": 0.0})
    shop.validate()
    assert shop.scope_weights == {"write": 1.0, "cached lookup": 3.0}
    assert shop.share_of_writes == 0.25

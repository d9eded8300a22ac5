"""What API processes show of their lookups, added up over processes and taken apart over time."""

from __future__ import annotations

import httpx
import pytest

from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.stack.errors import Unreachable
from seawall.stack.lookup_samples import LookupSamples, read_lookups
from seawall.stack.stack import Stack

TEXT = """
# TYPE seawall_lookup_seconds histogram
seawall_lookup_seconds_bucket{entity="users",answered_by="memory",le="1e-05"} 60
seawall_lookup_seconds_bucket{entity="users",answered_by="memory",le="2e-05"} 80
seawall_lookup_seconds_bucket{entity="users",answered_by="memory",le="+Inf"} 80
seawall_lookup_seconds_bucket{entity="products",answered_by="memory",le="1e-05"} 0
seawall_lookup_seconds_bucket{entity="products",answered_by="memory",le="2e-05"} 19
seawall_lookup_seconds_bucket{entity="products",answered_by="memory",le="+Inf"} 20
# TYPE seawall_lookups counter
seawall_lookups_total{entity="users",answered_by="memory"} 150
seawall_lookups_total{entity="users",answered_by="database"} 30
# TYPE other counter
other_total 7
"""


@pytest.mark.parametrize(
    ("share", "us"),
    [
        pytest.param(0.3, 5.0, id="within the first bucket, which begins at nothing"),
        pytest.param(0.6, 10.0, id="at the end of a bucket"),
        pytest.param(0.8, 15.128, id="within the second: 20 of its 39"),
        pytest.param(0.999, 20.0, id="beyond the last bound, which is all that is known"),
    ],
)
def test_a_quantile_is_interpolated_over_all_entities(share: float, us: float) -> None:
    """As PromQL does it."""
    found = LookupSamples.parse(TEXT).quantile_s("memory", share)
    assert found is not None
    assert found * 1e6 == pytest.approx(us, abs=0.001)


def test_an_entity_can_be_looked_at_alone_and_a_level_without_lookups_took_no_time() -> None:
    """None, and not zero, which would look good."""
    samples = LookupSamples.parse(TEXT)
    assert samples.quantile_s("memory", 0.5, ["products"]) == pytest.approx(15.263e-6, abs=1e-9)
    assert samples.quantile_s("shared", 0.5) is None


def test_processes_add_up_and_moments_subtract() -> None:
    """A counter that is new at the later moment began at nothing."""
    once = LookupSamples.parse(TEXT)
    twice = once + once
    assert twice.total("seawall_lookups_total", answered_by="memory") == 300
    assert (twice - once).total("seawall_lookups_total") == 180
    assert (once - LookupSamples({})).total("seawall_lookups_total", ["users"], answered_by="database") == 30
    assert not (twice - once).began_anew
    assert (once - twice).began_anew


def test_every_process_of_a_stack_is_asked(stack: Stack) -> None:
    """What they have counted grows by what is asked of them."""
    before = stack.lookups()
    path = f"/v1/users/{base_id(0, ENTITIES['users'].number)}"
    answer = httpx.get(stack.state.api_url + path, headers={"cache-control": "no-cache", **stack.api_headers})
    after = stack.lookups()
    assert answer.is_success
    assert before is not None
    assert after is not None
    assert (after - before).total("seawall_lookup_anew_total", ["users"]) == 1
    assert (after - before).total("seawall_lookups_total", ["users"], answered_by="database") == 1
    assert (after - before).total("seawall_lookup_queries_total", ["users"]) == 1


def test_who_does_not_show_anything_is_named() -> None:
    """Nobody listens there."""
    assert read_lookups([]) is None
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/metrics does not show"):
        read_lookups(["http://127.0.0.1:1/metrics"])

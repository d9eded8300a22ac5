"""Which targets an endpoint is held to."""

from __future__ import annotations

import pytest

from seawall.experiments.endpoint_scopes import scope_of, shares
from seawall.load.scopes import declared_scopes
from seawall.targets.metrics import Scope


@pytest.mark.parametrize(
    ("endpoint", "scope"),
    [
        ("POST /orders", Scope.WRITE),
        ("PUT /orders/{id}", Scope.WRITE),
        ("PATCH /orders/{id}", Scope.WRITE),
        ("DELETE /orders/{id}", Scope.WRITE),
        ("GET /orders/{id}", Scope.UNCACHED_LOOKUP),
        ("GET /v1/analytics/revenue", Scope.ANALYTICS),
        ("GET /report", Scope.ANALYTICS),
        ("POST /search", Scope.CACHED_LOOKUP),
        ("(other endpoints)", Scope.ALL),
    ],
)
def test_the_users_word_goes_before_the_method(endpoint: str, scope: Scope) -> None:
    """What is declared holds; else the method tells, and a name without any belongs to no scope in particular."""
    assert scope_of(endpoint, {"GET /report": "analytics", "POST /search": "cached lookup"}) is scope


def test_what_was_not_sent_is_divided_without_a_rest() -> None:
    """The parts add up, as near to the weights as whole requests can be."""
    assert shares(10, [70, 20, 10]) == [7, 2, 1]
    assert shares(2, [1, 1, 1]) == [1, 1, 0]
    assert shares(3, [0, 0]) == [0, 0]


@pytest.mark.parametrize(
    ("scopes", "words"),
    [
        ({"GET /report": "analytic"}, "'analytic' is none of write"),
        ({"/report": "analytics"}, 'write "GET /report"'),
        ({"GET /same": "write"}, "is 'analytics' in another class"),
    ],
)
def test_scopes_that_cannot_be_meant_are_named(scopes: dict[str, str], words: str) -> None:
    """The class and the endpoint stand in the message."""
    first = type("First", (), {"scopes": {"GET /same": "analytics"}})
    second = type("Second", (), {"scopes": scopes})
    with pytest.raises(ValueError, match=r"Second\.scopes") as error:
        declared_scopes([first, second])
    assert words in str(error.value)

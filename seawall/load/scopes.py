"""Which targets an endpoint is held to, as far as user classes say it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seawall.targets.metrics import Scope

NAMES = tuple(scope.value for scope in Scope if scope is not Scope.ALL)


def declared_scopes(user_classes: Iterable[Any]) -> dict[str, str]:
    """Return what the classes' `scopes` say, together; raises `ValueError` where that cannot be meant."""
    found: dict[str, str] = {}
    for user in user_classes:
        for endpoint, scope in getattr(user, "scopes", {}).items():
            if scope not in NAMES:
                raise ValueError(f"{user.__name__}.scopes: {scope!r} is none of {', '.join(NAMES)}")
            if " " not in endpoint:
                raise ValueError(f'{user.__name__}.scopes: {endpoint!r} names no method: write "GET {endpoint}"')
            if found.setdefault(endpoint, scope) != scope:
                raise ValueError(f"{user.__name__}.scopes: {endpoint!r} is {found[endpoint]!r} in another class")
    return found

"""Which targets each endpoint of a recorded run is held to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seawall.audit.ledger import Ledger
from seawall.experiments.figures import Bools
from seawall.targets.metrics import Scope

_WRITES = ("POST", "PUT", "PATCH", "DELETE", "KAFKA")


def scope_of(endpoint: str, declared: Mapping[str, str]) -> Scope:
    """Return the scope of an endpoint such as ``GET /orders``: what the user class says, else by its method.

    `Scope.ALL` stands for none in particular: the name tells no method.
    """
    if endpoint in declared:
        return Scope(declared[endpoint])
    method, _, name = endpoint.partition(" ")
    if method in _WRITES:
        return Scope.WRITE
    if not name or not method.isupper():
        return Scope.ALL
    return Scope.ANALYTICS if name.startswith("/v1/analytics") else Scope.UNCACHED_LOOKUP


def masks_by_scope(ledger: Ledger, declared: Mapping[str, str]) -> dict[Scope, Bools]:
    """Return which requests of *ledger* belong to each scope that has any."""
    scopes = [scope_of(endpoint, declared) for endpoint in ledger.endpoints]
    found: dict[Scope, Bools] = {}
    for scope in dict.fromkeys(scopes):
        numbers = [number for number, one in enumerate(scopes) if one is scope]
        mask = np.isin(ledger.endpoint, np.array(numbers, dtype=np.uint8))
        if scope is not Scope.ALL and mask.any():
            found[scope] = mask
    return found


def shares(total: int, weights: list[int]) -> list[int]:
    """Divide *total* in whole parts as the *weights* are, the largest remainders first."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    rests = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for index in rests[: total - sum(parts)]:
        parts[index] += 1
    return parts

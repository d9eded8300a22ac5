"""What lookups ask for: base users and products, a few of them far more often than the rest."""

from __future__ import annotations

import random

from contract.entities import ENTITIES
from contract.ids import base_id

USER, PRODUCT = "/v1/users/{id}", "/v1/products/{id}"
UNCACHED_USER = f"{USER} (no-cache)"
"""The name of lookups that ask the service to leave its caches out."""
TOP_PRODUCTS = "/v1/analytics/top-products"
FROM_HTTP_CACHE = " (HTTP cache)"
"""Ends the name of a lookup that an HTTP cache in front of the service answered."""
_BY_SERVICE = {
    f"GET {USER}": "cached lookup",
    f"GET {PRODUCT}": "cached lookup",
    f"GET {UNCACHED_USER}": "uncached lookup",
    f"GET {TOP_PRODUCTS}": "analytics",
}
SCOPES = {**_BY_SERVICE, **{f"{name}{FROM_HTTP_CACHE}": scope for name, scope in _BY_SERVICE.items()}}
"""Which targets these endpoints are held to."""
_USERS, _PRODUCTS = ENTITIES["users"], ENTITIES["products"]


def popular(count: int) -> int:
    """Draw a number below *count*; small ones come far more often."""
    return min(count - 1, int(random.paretovariate(0.8)) - 1)


def user_url() -> str:
    """Return the path of a user that every fresh state holds."""
    return f"/v1/users/{base_id(popular(_USERS.base_rows), _USERS.number)}"


def product_url() -> str:
    """Return the path of a product that every fresh state holds."""
    return f"/v1/products/{base_id(popular(_PRODUCTS.base_rows), _PRODUCTS.number)}"

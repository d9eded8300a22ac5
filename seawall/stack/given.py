"""The connections of a stack, from what its state file holds."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from contract.connections import Connections

_SECRET = ("database_url", "database_replica_url", "cache_url", "registry_url", "kafka_sasl_password", "api_key")


def connections_of(environment: dict[str, str]) -> Connections:
    """Return exactly these connections: neither our own environment nor a `.env` adds to them."""
    fields: dict[str, Any] = {name: environment.get(f"SEAWALL_{name.upper()}") for name in Connections.model_fields}
    for name in _SECRET:
        if fields[name] is not None:
            fields[name] = SecretStr(fields[name])
    return Connections.model_construct(None, **fields)

"""Settings as the servers themselves report them."""

from __future__ import annotations

from typing import Any

import msgspec

from contract.connections import MARIADB, Connections
from seawall.stack import jvm, mariadb, postgres, registry, valkey
from seawall.stack.jars import kafka_version
from seawall.stack.java import find_java
from seawall.stack.log import Log
from seawall.stack.state import StackState
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Place


def effective_settings(connections: Connections, state: StackState) -> dict[str, Any]:
    """Return per kind of server what decides on durability and speed; servers that are not there are left out."""
    found: dict[str, Any] = {}
    if connections.database_url is not None:
        if connections.database == MARIADB:
            found["mariadb"] = mariadb.read_settings(connections.plain_database_url)
        else:
            found["postgres"] = postgres.read_settings(connections.psycopg_url)
    if connections.cache_url is not None:
        found["valkey"] = valkey.read_settings(connections.redis_url)
    if connections.kafka_bootstrap_servers is not None:
        found["kafka"] = Log(connections.kafka).settings()
        if state.brokers:
            java = find_java()
            said = state.options.settings.texts(Place.STACK)
            found["kafka"] |= {"version": kafka_version(), "java": java.version, "heap": jvm.heap_size(said)}
            found["kafka"]["collector"] = jvm.collector(said)
    if (schemas := state.services.get("registry")) is not None and connections.registry_url is not None:
        said = registry.read_settings(connections.registry_url.get_secret_value())
        found["registry"] = {"version": schemas.version, **said}
    if state.api_processes:
        found["api"] = {"processes": state.api_processes, **({"tls": True} if state.api_tls_url else {})}
    if state.options.settings != KafkaSettings():
        found["started_with"] = msgspec.to_builtins(state.options.settings)
    if (cache := state.services.get("http-cache")) is not None:
        found["http-cache"] = {"version": cache.version}
    return found

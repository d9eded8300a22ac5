"""Has the API read every base record before a fault, so that orders find in its memory whom they name."""

from __future__ import annotations

import http.client
from collections.abc import Collection
from urllib.parse import urlsplit

from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.stack.errors import Unreachable
from seawall.stack.stack import Stack

_TIMEOUT_S = 10.0


def warm_lookups(stack: Stack, processes: int, names: Collection[str] = ()) -> None:
    """Read all base records, over a connection for each of the *processes*; raises `Unreachable`.

    The system chooses which process gets a connection, so with several some may stay cold; those with *names* are each
    asked by itself.
    """
    services = stack.state.services
    for url in [services[name].own_address for name in names] or [stack.state.api_url] * processes:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
        try:
            for entity in ENTITIES.values():
                for index in range(entity.base_rows if entity.lookup else 0):
                    path = f"/v1/{entity.name}/{base_id(index, entity.number)}"
                    connection.request("GET", path, headers=stack.api_headers)
                    connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"the API does not answer lookups: {error}") from None
        finally:
            connection.close()

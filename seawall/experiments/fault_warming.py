"""Has the API read every base record before a fault, so that orders find in its memory whom they name."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.stack.errors import Unreachable
from seawall.stack.stack import Stack

_TIMEOUT_S = 10.0


def warm_lookups(stack: Stack, processes: int) -> None:
    """Read all base records, over a connection for each of the *processes*; raises `Unreachable`.

    The system chooses which process gets a connection, so with several some may stay cold.
    """
    parts = urlsplit(stack.state.api_url)
    for _ in range(processes):
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

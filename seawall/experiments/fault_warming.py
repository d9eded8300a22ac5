"""Has the API read every base record before a fault, so that orders find in its memory whom they name."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.stack.errors import Unreachable

_TIMEOUT_S = 10.0


def warm_lookups(api_url: str, processes: int) -> None:
    """Read all base records, over a connection for each of the *processes*; raises `Unreachable`.

    The system chooses which process gets a connection, so with several some may stay cold.
    """
    parts = urlsplit(api_url)
    for _ in range(processes):
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
        try:
            for entity in ENTITIES.values():
                for index in range(entity.base_rows if entity.lookup else 0):
                    connection.request("GET", f"/v1/{entity.name}/{base_id(index, entity.number)}")
                    connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"the API does not answer lookups: {error}") from None
        finally:
            connection.close()

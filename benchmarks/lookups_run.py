"""What `benchmarks.lookups` needs: an API with metrics, reads at a pace, and a table of any size."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import psycopg
from pydantic import SecretStr

from benchmarks.api_runs import running_server
from benchmarks.errors import ProcessFailed
from benchmarks.server_process import ServerProcess
from contract.connections import Connections
from contract.engine import engine_of
from contract.entities import ENTITIES
from contract.ids import base_id
from contract.migrate import upgrade
from seawall.stack.lookup_samples import LookupSamples, read_lookups
from seawall.stack.more_rows import add_users
from seawall.stack.ports import HOST, free_ports

USERS, PRODUCTS = ENTITIES["users"], ENTITIES["products"]
RECORDS = (USERS.name, PRODUCTS.name)
USERS_SHARE = 0.75
_ANOTHER = "seawall_large"


class LookupServer:
    """An API process, and a connection to it."""

    def __init__(self, server: ServerProcess, metrics_port: int) -> None:
        self._metrics_url = f"http://{HOST}:{metrics_port}/metrics"
        parts = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)

    def samples(self) -> LookupSamples:
        """Return what it has counted since its start."""
        found = read_lookups([self._metrics_url])
        assert found is not None
        return found

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Return status and body of one answer."""
        key = {"authorization": f"Bearer {os.environ['SEAWALL_API_KEY']}"}
        self._connection.request("GET", path, headers={**key, **(headers or {})})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def read(self, paths: Sequence[str], rate_per_s: float, *, anew: bool = False) -> list[float]:
        """Read *paths* at a pace, and return what each read took, in milliseconds; past the caches where *anew*."""
        headers = {"cache-control": "no-cache"} if anew else {}
        times_ms = []
        begun_s = time.monotonic()
        for number, path in enumerate(paths):
            time.sleep(max(0.0, begun_s + number / rate_per_s - time.monotonic()))
            sent_s = time.perf_counter()
            status, _ = self.get(path, headers)
            times_ms.append((time.perf_counter() - sent_s) * 1e3)
            if status != http.client.OK:
                raise ProcessFailed(f"{path} was answered with {status}: the figures say nothing")
        return times_ms


@contextmanager
def lookup_server(**settings: str) -> Iterator[LookupServer]:
    """Run an API process with further environment variables."""
    port = free_ports(1)[0]
    with running_server("ours", SEAWALL_METRICS_PORT=str(port), **settings) as server:
        yield LookupServer(server, port)


def all_paths() -> list[str]:
    """Return the path of every base row that can be looked up."""
    return [
        f"/v1/{entity.name}/{base_id(index, entity.number)}"
        for entity in (USERS, PRODUCTS)
        for index in range(entity.base_rows)
    ]


def zipf_paths(count: int, exponent: float, seed: int) -> list[str]:
    """Return paths of base rows, three of users to one of a product, the popular ones by Zipf's law."""
    rng = np.random.default_rng(seed)
    drawn = {}
    for entity in (USERS, PRODUCTS):
        weights = np.arange(1, entity.base_rows + 1) ** -exponent
        drawn[entity.name] = rng.choice(entity.base_rows, size=count, p=weights / weights.sum())
    return [
        f"/v1/{entity.name}/{base_id(int(drawn[entity.name][number]), entity.number)}"
        for number, entity in enumerate(USERS if of < USERS_SHARE else PRODUCTS for of in rng.random(count))
    ]


@contextmanager
def another_database(connections: Connections, rows: int) -> Iterator[str]:
    """Give the URL of a second database of the same server, with the base rows and *rows* more users."""
    with psycopg.connect(connections.psycopg_url, autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {_ANOTHER}")
        try:
            parts = urlsplit(connections.psycopg_url)
            url = urlunsplit(parts._replace(path=f"/{_ANOTHER}"))
            there = connections.model_copy(update={"database_url": SecretStr(url)})
            upgrade(engine_of(there))
            add_users(there, rows)
            yield url
        finally:
            administrator.execute(f"DROP DATABASE {_ANOTHER} WITH (FORCE)")

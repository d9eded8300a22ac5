"""TLS to database, cache and log, asked for by settings alone: what is shown the wrong certificate is not spoken to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from new_records import new_record
from pydantic import SecretStr
from service_processes import eventually, running_api, running_sink

from contract.connections import Connections
from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.stack import kafka, postgres, valkey
from seawall.stack.certificates import Certificate
from seawall.stack.errors import Unreachable
from seawall.stack.jars import JarCache
from seawall.stack.java import find_java
from seawall.stack.log import Log
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
JSON = {"content-type": "application/json"}
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return a certificate for localhost."""
    return Certificate.made_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return one by an authority that nobody trusts here."""
    return Certificate.made_in(tmp_path_factory.mktemp("another"))


class TlsEnd:
    """Takes TLS connections and hands on what they say to a server's plain port: a server with TLS, for its clients."""

    def __init__(self, target: str, certificate: Certificate, *, asked_first: bool) -> None:
        """*asked_first*: as PostgreSQL does it, the client asks in cleartext whether there is TLS."""
        host, _, port = target.rpartition(":")
        self._target, self._asked_first = (host, int(port)), asked_first
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate.chain, certificate.key)
        self.port = free_ports(1)[0]
        self.served = 0
        """Connections that came to an agreement."""
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(10)

    def close(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        context = None if self._asked_first else self._context
        self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context))
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            if self._asked_first:
                assert await reader.readexactly(len(_SSL_REQUEST)) == _SSL_REQUEST, "the client began in cleartext"
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(self._context)
            self.served += 1
            inner_reader, inner_writer = await asyncio.open_connection(*self._target)
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
def ends(stack: Stack, certificate: Certificate) -> Iterator[Callable[[str], TlsEnd]]:
    """Return what gives the stack's database or cache an end with TLS."""
    made = []

    def end(service: str) -> TlsEnd:
        made.append(TlsEnd(stack.state.services[service].address, certificate, asked_first=service == "postgres"))
        return made[-1]

    yield end
    for one in made:
        one.close()
    stack.fresh()


def secured(stack: Stack, database: int, cache: int, authority: Path) -> Connections:
    """Return the stack's connections by TLS, through these ports."""
    by_database = f"postgresql://{postgres.USER}:{_password(stack.connections.psycopg_url)}@localhost:{database}/"
    by_cache = f"rediss://:{_password(stack.connections.redis_url)}@localhost:{cache}/0"
    return stack.connections.model_copy(
        update={
            "database_url": SecretStr(f"{by_database}{postgres.DATABASE}?sslmode=verify-full&sslrootcert={authority}"),
            "cache_url": SecretStr(f"{by_cache}?ssl_ca_certs={authority}"),
        }
    )


def _password(url: str) -> str:
    return url.partition("://")[2].partition("@")[0].rpartition(":")[2]


def test_database_and_cache_are_reached_by_tls_alone(
    stack: Stack, ends: Callable[[str], TlsEnd], certificate: Certificate, tmp_path: Path
) -> None:
    """Each write path and the lookups work, and each of their connections came to an agreement first."""
    database, cache = ends("postgres"), ends("valkey")
    connections = secured(stack, database.port, cache.port, certificate.authority)
    assert postgres.check(connections.psycopg_url)
    assert valkey.check(connections.redis_url)
    before = database.served, cache.served
    with running_api(connections, tmp_path) as (client, _):
        eventually(lambda: client.get("/readyz").is_success)
        for path, status in (("sync", 201), ("grouped", 201), ("kafka", 202)):
            body = msgspec.json.encode(new_record(USERS))
            assert client.post(f"/v1/{path}/users", content=body, headers=JSON).status_code == status
        assert client.get(f"/v1/users/{base_id(3, USERS.number)}").is_success
    assert database.served > before[0] + 2
    assert cache.served > before[1]


def test_a_certificate_of_somebody_else_is_not_trusted(
    stack: Stack, ends: Callable[[str], TlsEnd], another: Certificate, tmp_path: Path
) -> None:
    """Nothing is said to such a server, and the service says that it is not ready."""
    database, cache = ends("postgres"), ends("valkey")
    connections = secured(stack, database.port, cache.port, another.authority)
    with pytest.raises(Unreachable, match="certificate"):
        postgres.check(connections.psycopg_url)
    with pytest.raises(Unreachable, match="certificate"):
        valkey.check(connections.redis_url)
    with running_api(connections, tmp_path) as (client, _):

        def down() -> set[str]:
            found = client.get("/readyz").json()["dependencies"]
            return {name for name, state in found.items() if state["status"] == "down"}

        eventually(lambda: down() == {"database", "cache"})
        body = msgspec.json.encode(new_record(USERS))
        assert client.post("/v1/sync/users", content=body, headers=JSON).status_code == 503


class TlsNode(kafka.KafkaNode):
    """A broker whose clients use TLS and a password."""

    certificate: Certificate

    def _settings(self, data: Path) -> dict[str, object]:
        found = super()._settings(data)
        names = str(found["listener.security.protocol.map"])
        pem = self._directory / "broker.pem"
        pem.touch(mode=0o600)
        key = load_pem_private_key(self.certificate.key.read_bytes(), None)
        kafkas = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(kafkas + self.certificate.chain.read_bytes())
        return found | {
            "listener.security.protocol.map": names.replace("BROKER:SASL_PLAINTEXT", "BROKER:SASL_SSL"),
            "listener.name.broker.ssl.keystore.type": "PEM",
            "listener.name.broker.ssl.keystore.location": pem,
            "listener.name.broker.ssl.truststore.type": "PEM",
            "listener.name.broker.ssl.truststore.location": self.certificate.authority,
        }

    def client_settings(self) -> dict[str, Any]:
        """Return how a client reaches it."""
        return {
            **self._quorum.client_settings(self.address),
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.certificate.authority),
        }


@pytest.fixture
def broker(certificate: Certificate, tmp_path: Path) -> Iterator[TlsNode]:
    """Run a Kafka of our own with TLS."""
    ports = free_ports(2)
    quorum = kafka.Quorum([(ports[0], ports[1])])
    log = tmp_path / "kafka.log"
    node = TlsNode(1, quorum, java=find_java(), jars=JarCache(), directory=tmp_path / "kafka", log=log)
    node.certificate = certificate
    node.prepare()
    with log.open("ab") as output:
        process = subprocess.Popen(node.command(), env=node.environment(), stdout=output, stderr=output)
    try:

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()[-3_000:]
            with contextlib.suppress(Unreachable):
                return bool(kafka.check(node.client_settings()))
            return False

        eventually(is_up, 60)
        yield node
    finally:
        process.kill()
        process.wait()


@pytest.mark.long
def test_kafka_is_reached_by_tls_and_a_password(
    stack: Stack, broker: TlsNode, another: Certificate, tmp_path: Path
) -> None:
    """A record goes from the API to its row; with another authority or password nothing does, and it is said why."""
    settings = broker.client_settings()
    with pytest.raises(Unreachable, match="TLS fails"):
        kafka.check({**settings, "ssl.ca.location": str(another.authority)})
    with pytest.raises(Unreachable, match="user, password or mechanism are wrong"):
        kafka.check({**settings, "sasl.password": "guessed"})
    connections = stack.connections.model_copy(
        update={
            "kafka_bootstrap_servers": broker.address,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_ssl_ca_location": str(broker.certificate.authority),
            "kafka_sasl_password": SecretStr(settings["sasl.password"]),
        }
    )
    Log(connections.kafka).create_topics(partitions=1, replication=1)
    before = stack.row_counts()["users"]
    with running_sink(connections, tmp_path), running_api(connections, tmp_path) as (client, _):
        eventually(lambda: client.get("/readyz").is_success)
        body = msgspec.json.encode(new_record(USERS))
        assert client.post("/v1/kafka/users", content=body, headers=JSON).status_code == 202
        eventually(lambda: stack.row_counts()["users"] == before + 1, 30)
    stack.fresh()

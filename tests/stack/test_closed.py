"""A stack is its owner's alone: nobody else on this machine gets in, nor anybody from outside."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from contract.loopback import is_loopback
from seawall.stack.places import home
from seawall.stack.stack import Stack
from seawall.stack.state import state_path
from seawall.stack.warming import hands_out_ids, knows_coordinator


def processes(stack: Stack) -> list[psutil.Process]:
    """Return the supervisor and everything below it."""
    supervisor = psutil.Process(stack.state.supervisor_pid)
    return [supervisor, *supervisor.children(recursive=True)]


def test_every_server_listens_on_loopback_alone(stack: Stack) -> None:
    """Each port that any process of the stack listens on."""
    listening = {
        connection.laddr
        for process in processes(stack)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert len(listening) >= 6  # PostgreSQL, Valkey, broker and controller, the API and its metrics
    assert all(ipaddress.ip_address(place.ip.removeprefix("::ffff:")).is_loopback for place in listening), listening


def test_every_server_asks_for_a_password(stack: Stack) -> None:
    """And none is let in with another one's."""
    connections = stack.connections
    parts = urlsplit(connections.psycopg_url)
    for password in ("", ":guessed"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{parts.username}{password}@{parts.hostname}:{parts.port}{parts.path}")
    cache = urlsplit(connections.redis_url)
    once = Retry(NoBackoff(), 0)
    for guess in (None, "guessed", parts.password):
        with (
            pytest.raises(redis.AuthenticationError),
            redis.Redis(host=cache.hostname or "", port=cache.port or 0, password=guess, retry=once) as client,
        ):
            client.ping()
    assert hands_out_ids(connections.kafka)
    assert not hands_out_ids({**connections.kafka, "sasl.password": parts.password})
    assert not hands_out_ids({"bootstrap.servers": connections.kafka["bootstrap.servers"]})
    url = f"{stack.state.api_url}/v1/analytics/top-products"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers=stack.api_headers).status_code == 200


def test_the_controllers_listener_asks_for_it_too(stack: Stack) -> None:
    """It is where brokers are told what to do."""
    properties = Path(stack.state.data_dir, "kafka-1", "server.properties").read_text()
    settings = dict(line.split("=", 1) for line in properties.splitlines())
    names = settings["listener.security.protocol.map"]
    assert all(pair.endswith(":SASL_PLAINTEXT") for pair in names.split(","))
    listeners = [name.partition(":")[0].lower() for name in settings["listeners"].split(",")]
    assert all(f"listener.name.{name}.plain.sasl.jaas.config" in settings for name in listeners)
    port = int(settings["listeners"].partition("CONTROLLER://")[2].partition(",")[0].rpartition(":")[2])
    assert not knows_coordinator({"bootstrap.servers": f"127.0.0.1:{port}"})


def test_every_password_is_a_new_one(stack: Stack) -> None:
    """No two are the same, and each is long."""
    connections = stack.connections
    secrets = [
        urlsplit(connections.psycopg_url).password,
        urlsplit(connections.redis_url).password,
        connections.kafka["sasl.password"],
        stack.state.api_key,
    ]
    assert len(set(secrets)) == len(secrets)
    assert all(secret is not None and len(secret) >= 24 for secret in secrets)


def test_files_are_the_owners(stack: Stack) -> None:
    """Whatever lies in the home directory, and where PostgreSQL has a user of its own."""
    closed = [home(), Path(stack.state.data_dir), *map(Path, stack.state.directories)]
    assert [stat.S_IMODE(place.stat().st_mode) for place in closed] == [0o700] * len(closed)
    secret = [
        state_path(),
        Path(stack.state.data_dir, "api-keys"),
        Path(stack.state.data_dir, "valkey", "valkey.conf"),
        Path(stack.state.data_dir, "kafka-1", "server.properties"),
    ]
    assert [stat.S_IMODE(place.stat().st_mode) for place in secret] == [0o600] * len(secret)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
        ("10.0.0.1", False), ("example.org", False), ("", False), ("localhost.example.org", False),
    ],
)  # fmt: skip
def test_what_loopback_is(host: str, local: bool) -> None:  # noqa: FBT001
    """Nothing that others could reach, and no name that somebody else could give."""
    assert is_loopback(host) is local

"""Several API processes that share one port: a small stack without Kafka."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil
import pytest
import redis

from contract.cache import INVALIDATION_CHANNEL, cache_key
from contract.entities import ENTITIES
from contract.ids import Run, mint
from contract.samples import sample_fields
from seawall.experiments.arms import arm_of, as_they_are
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

NAMES = ["api-1", "api-2"]
CONNECTIONS = 200
_ENDS_BY_ITSELF_S = 0.9
"""A negative entry does so after a second, less a tenth at random."""
_REMEMBERED_S = 27.0
"""As long at least does a process remember a record of which it hears nothing."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a stack with two API processes in a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(tmp_path_factory.mktemp("pair")))
        running = Stack.up(StackOptions(kafka=False, api_processes=2, tls=True), owner="tests")
        yield running
        running.down()


def process_of(stack: Stack, name: str) -> psutil.Process:
    """Return a service's process."""
    return psutil.Process(stack.state.services[name].pid)


def shared_port(stack: Stack) -> int:
    """Return the port that all processes share."""
    port = urlsplit(stack.state.api_url).port
    assert port is not None
    return port


def own_port(stack: Stack, name: str) -> int:
    """Return the port on which only the process *name* listens, besides that of its metrics."""
    listening = {
        connection.laddr.port
        for connection in process_of(stack, name).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    shared = {shared_port(stack), urlsplit(stack.state.api_tls_url).port}
    (own,) = listening - shared - {urlsplit(stack.state.services[name].metrics_url).port}
    return own


def ask(stack: Stack, port: int, method: str, path: str, body: bytes | None = None) -> int:
    """Return the status of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"content-type": "application/json", **stack.api_headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def sees(stack: Stack, port: int, identity: object) -> bool:
    """Tell whether the process at *port* finds a user."""
    return ask(stack, port, "GET", f"/v1/users/{identity}") == 200


def until(holds: Callable[[], bool], within_s: float = 60.0) -> bool:
    """Wait until *holds*; tell whether it came to that."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_every_process_is_ready_by_its_own_answer(pair: Stack) -> None:
    """Each has a process, a socket of its own beside the shared one, and says there that it is ready."""
    state = pair.state
    assert [name for name, service in state.services.items() if service.kind == "api"] == NAMES
    assert all(state.services[name].ready for name in NAMES)
    own = [own_port(pair, name) for name in NAMES]
    assert len(set(own)) == 2
    assert [ask(pair, port, "GET", "/readyz") for port in own] == [200, 200]


def test_all_serve_tls_with_a_certificate_of_their_stack(pair: Stack) -> None:
    """Whoever trusts the stack's authority gets through to either process, and whoever does not is warned."""
    state = pair.state
    trusting = ssl.create_default_context(cafile=state.api_tls_authority)
    assert {httpx.get(f"{state.api_tls_url}/livez", verify=trusting).status_code for _ in range(20)} == {200}
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{state.api_tls_url}/livez")
    key = Path(state.api_tls_authority).with_name("key.pem")
    assert key.stat().st_mode & 0o077 == 0


def test_use_is_counted_by_process(pair: Stack) -> None:
    """Processor time and memory stand there for each."""
    assert set(NAMES) <= set(pair.resources())


def test_an_arms_settings_say_how_many(pair: Stack) -> None:
    """Whoever reads a result sees it, with any path."""
    settings = pair.settings()
    (plan,) = as_they_are(["sync"])
    assert arm_of(plan, settings).settings["api"] == {"processes": 2, "tls": True}


def test_connections_spread_over_the_processes(pair: Stack) -> None:
    """Each gets a quarter of them at least, however busy the machine is: an even share misses that once in 10**12."""
    port = shared_port(pair)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    try:
        for connection in connections:  # an answer says that it was accepted
            connection.sendall(b"GET /livez HTTP/1.1\r\nhost: here\r\n\r\n")
        assert all(connection.recv(4096).startswith(b"HTTP/1.1 200") for connection in connections)
        counts = [
            sum(
                connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == port
                for connection in process_of(pair, name).net_connections("tcp")
            )
            for name in NAMES
        ]
    finally:
        for connection in connections:
            connection.close()
    assert sum(counts) == CONNECTIONS
    assert min(counts) >= CONNECTIONS / 4, counts


def test_an_announcement_reaches_every_process(pair: Stack) -> None:
    """A process that believes that there is no such record asks again as soon as the key is announced."""
    believer, writer = (own_port(pair, name) for name in NAMES)
    entity = ENTITIES["users"]
    fields = sample_fields(entity, seed=1, count=1)[0]
    waited_s = []
    with redis.Redis.from_url(pair.connections.redis_url) as cache:
        for number in range(5):
            identity = mint(Run(1, 0), 0, number, entity.number)
            began = time.monotonic()
            assert ask(pair, believer, "GET", f"/v1/users/{identity}") == 404
            assert ask(pair, writer, "POST", "/v1/sync/users", msgspec.json.encode({**fields, "id": identity})) == 201
            assert ask(pair, writer, "GET", f"/v1/users/{identity}") == 200
            assert cache.publish(INVALIDATION_CHANNEL, cache_key(entity, identity)) == len(NAMES)
            assert until(partial(sees, pair, believer, identity))
            waited_s.append(time.monotonic() - began)
    # by itself it would have asked again later than that, every time
    assert min(waited_s) < _ENDS_BY_ITSELF_S


def test_a_write_through_one_is_seen_through_the_other(pair: Stack) -> None:
    """Without an announcement the other process asks again within a second, and fresh state is fresh in both."""
    believer, writer = (own_port(pair, name) for name in NAMES)
    entity = ENTITIES["users"]
    fields = sample_fields(entity, seed=1, count=1)[0]
    identity = mint(Run(2, 0), 0, 0, entity.number)
    path = f"/v1/users/{identity}"
    assert ask(pair, believer, "GET", path) == 404
    assert ask(pair, writer, "POST", "/v1/sync/users", msgspec.json.encode({**fields, "id": identity})) == 201
    assert until(lambda: ask(pair, believer, "GET", path) == 200)
    assert ask(pair, writer, "GET", path) == 200
    pair.fresh()
    # what they remembered would be believed for half a minute
    began = time.monotonic()
    assert until(lambda: [ask(pair, port, "GET", path) for port in (believer, writer)] == [404, 404])
    assert time.monotonic() - began < _REMEMBERED_S


def test_one_that_dies_leaves_its_work_to_the_other_and_comes_back(pair: Stack) -> None:
    """Nobody is refused: who comes to the dead one's socket, which is the supervisor's, waits for its successor."""
    before = pair.state.services["api-1"]
    own = own_port(pair, "api-1")
    pair.signal("api-1", signal.SIGKILL)
    assert [ask(pair, shared_port(pair), "GET", "/livez") for _ in range(20)] == [200] * 20
    assert ask(pair, own, "GET", "/livez") == 200
    after = pair.state.services
    assert (after["api-1"].restarts, after["api-2"].restarts) == (1, 0)
    assert after["api-1"].pid != before.pid
    assert own_port(pair, "api-1") == own


def test_all_of_them_drain(pair: Stack) -> None:
    """At the end each has shut down in order, and nobody answers at the port any more."""
    port = shared_port(pair)
    logs = [Path(pair.state.services[name].log) for name in NAMES]
    pids = [pair.state.services[name].pid for name in NAMES]
    pair.down()
    assert all("Application shutdown complete" in log.read_text() for log in logs)
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))

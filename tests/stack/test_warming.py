"""What a fresh cluster makes ready when it is asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from seawall.stack.stack import Stack
from seawall.stack.warming import await_coordinator, await_producer_ids, hands_out_ids, knows_coordinator

_NOT_YET = 14  # coordinator load in progress


@pytest.fixture
def broker_that_wakes_up() -> Iterator[dict[str, Any]]:
    """Answer "not yet" to the first two who ask for a producer id, garbage to the third, and give one to the others."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers = [_not_an_id(_NOT_YET), _not_an_id(_NOT_YET), b"HTTP/1.1 400 Bad Request\r\n\r\n", _not_an_id(0)]

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield {"bootstrap.servers": f"127.0.0.1:{listener.getsockname()[1]}"}
    listener.close()


def _not_an_id(error: int) -> bytes:
    body = bytes(3) + b"\1" + bytes(4) + error.to_bytes(2) + bytes(10)
    return len(body).to_bytes(4) + body


def test_a_real_broker_is_understood(stack: Stack) -> None:
    """The requests are ones that Kafka takes, and what it answers says that a running stack is ready."""
    assert hands_out_ids(stack.connections.kafka)
    assert knows_coordinator(stack.connections.kafka)


def test_a_wrong_password_gets_nothing(stack: Stack) -> None:
    """Kafka breaks the connection off."""
    wrong = {**stack.connections.kafka, "sasl.password": "guessed"}
    assert not hands_out_ids(wrong)
    assert not knows_coordinator(wrong)


def test_it_is_asked_until_it_can(broker_that_wakes_up: dict[str, Any]) -> None:
    """Neither "not yet" nor nonsense is taken for an id, and the first id is enough."""
    assert await_producer_ids(broker_that_wakes_up, 30)


def test_each_broker_is_asked(stack: Stack) -> None:
    """One that does not answer is waited for, however ready the others are."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        free = f"127.0.0.1:{silent.getsockname()[1]}"
    servers = {**stack.connections.kafka, "bootstrap.servers": f"{stack.state.services['kafka-1'].address},{free}"}
    assert not await_producer_ids(servers, 0.2)
    assert not await_coordinator(servers, 0.2)

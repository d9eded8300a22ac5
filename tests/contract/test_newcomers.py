"""Connections that wait while turns of the event loop are long."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import ClassVar

import pytest
import uvloop

from contract.newcomers import Door, Newcomers

CLIENTS = 300
TURN_S = 0.005
FEW_TURNS = 60
"""The loop alone takes one turn for each client."""


class Counted(asyncio.Protocol):
    """Counts the connections that are made, until the count is set back."""

    made: ClassVar[int] = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, and be done."""
        Counted.made += 1
        transport.close()


async def turns_until_all_are_in(*, helped: bool) -> int:
    """Return how many turns of a busy loop it takes until everybody who waits is let in."""
    Counted.made = 0
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0), backlog=CLIENTS) as listening:
        clients = [socket.create_connection(listening.getsockname()) for _ in range(CLIENTS)]
        server = await loop.create_server(Counted, sock=listening, backlog=CLIENTS)
        newcomers = Newcomers(Counted, handshake_s=1.0)
        if helped:
            newcomers.start([Door(listening.fileno(), None)])
        turns = 0
        while Counted.made < CLIENTS and turns <= 2 * CLIENTS:
            turns += 1
            time.sleep(TURN_S)  # noqa: ASYNC251 - the loop is busy for so long
            await asyncio.sleep(0)
        newcomers.stop()
        server.close()
        for client in clients:
            client.close()
    return turns


def test_a_crowd_is_let_in_within_few_turns_of_a_busy_loop() -> None:
    """Some dozens a turn, and not one."""
    assert uvloop.run(turns_until_all_are_in(helped=True)) <= FEW_TURNS


def test_the_loop_alone_lets_one_in_a_turn() -> None:
    """Else none of this is needed."""
    assert uvloop.run(turns_until_all_are_in(helped=False)) >= CLIENTS, "api/newcomers.py is needed no more"


@pytest.mark.parametrize("stopped", [True, False])
def test_the_port_is_closed_once_nobody_listens_any_more(stopped: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """The copy of the socket keeps it open until it is closed, too."""

    async def is_open() -> bool:
        server = await asyncio.get_running_loop().create_server(Counted, "127.0.0.1", 0)
        newcomers = Newcomers(Counted, handshake_s=1.0)
        newcomers.start(Door(one.fileno(), None) for one in server.sockets)
        place = server.sockets[0].getsockname()
        server.close()
        if stopped:
            newcomers.stop()
        await asyncio.sleep(0)
        with socket.socket() as probe:
            found = probe.connect_ex(place) == 0
        newcomers.stop()
        return found

    assert uvloop.run(is_open()) is not stopped

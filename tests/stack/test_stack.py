"""The running stack as a whole."""

from __future__ import annotations

import psycopg

from contract.tables import TABLES
from seawall.stack.stack import Stack


def test_attach_finds_the_stack_that_is_up(stack: Stack) -> None:
    """`attach` returns the stack that another call started."""
    found = Stack.attach()
    assert found is not None
    assert found.state.run == stack.state.run


def test_every_service_has_answered(stack: Stack) -> None:
    """Each service is ready, with a process of its own."""
    assert all(service.ready and service.pid for service in stack.state.services.values())


def test_fresh_leaves_base_rows_only(stack: Stack) -> None:
    """After `fresh` there are base users and products, and no row that counts."""
    stack.fresh()
    assert stack.row_counts() == dict.fromkeys(TABLES, 0)
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (1000,)

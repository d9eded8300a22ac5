"""Servers that the settings name: what is said about those that do not answer as they should."""

from __future__ import annotations

import pytest

from seawall.stack import api, postgres, valkey
from seawall.stack.errors import Unreachable
from seawall.stack.stack import Stack


def test_a_running_postgresql_answers_with_its_version(stack: Stack) -> None:
    """The check is a real request."""
    assert postgres.check(stack.connections.psycopg_url).startswith("18.")


def test_a_wrong_password_of_postgresql_is_said(stack: Stack) -> None:
    """The message says that user or password are wrong, and not the password."""
    url = stack.connections.psycopg_url.replace("seawall:", "seawall:wrong")
    with pytest.raises(Unreachable, match=r"SEAWALL_DATABASE_URL.*password") as caught:
        postgres.check(url)
    assert "wrong" + stack.connections.psycopg_url.split(":")[2].split("@")[0] not in str(caught.value)


def test_an_unknown_database_is_said(stack: Stack) -> None:
    """The message names the database that is not there."""
    with pytest.raises(Unreachable, match='"nowhere" does not exist'):
        postgres.check(stack.connections.psycopg_url.removesuffix("/seawall") + "/nowhere")


def test_a_postgresql_that_is_not_there_is_said() -> None:
    """The message says that nothing answers and what to do."""
    with pytest.raises(Unreachable, match=r"nothing answers there.*start the server"):
        postgres.check("postgresql://a:b@127.0.0.1:9/c")


def test_a_running_valkey_answers_with_its_version(stack: Stack) -> None:
    """The check is a real request."""
    assert valkey.check(stack.connections.redis_url).startswith("Valkey 9.")


def test_a_wrong_password_of_valkey_is_said(stack: Stack) -> None:
    """The message says that user or password are wrong."""
    with pytest.raises(Unreachable, match=r"SEAWALL_CACHE_URL.*password"):
        valkey.check(stack.connections.redis_url.replace("redis://:", "redis://:wrong"))


def test_a_valkey_that_is_not_there_is_said() -> None:
    """The message says what to correct."""
    with pytest.raises(Unreachable, match=r"SEAWALL_CACHE_URL.*rediss://"):
        valkey.check("redis://127.0.0.1:9/0")


def test_a_service_that_is_not_there_is_said() -> None:
    """The message names the URL."""
    with pytest.raises(Unreachable, match=r"SEAWALL_API_URL.*127\.0\.0\.1:9"):
        api.check("http://127.0.0.1:9")

"""Addresses of MariaDB and MySQL, and what a record's row looks like there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from new_records import new_record
from pydantic import SecretStr

from contract.connections import MARIADB, POSTGRESQL, Connections
from contract.entities import ENTITIES
from contract.errors import BadConnection
from contract.mariadb import arguments_of
from contract.mariadb_rows import LONGEST_STATEMENT, ROW_TEXTS, id_of

USERS = ENTITIES["users"]


def at(url: str) -> Connections:
    """Return connections with that database alone."""
    values: dict[str, Any] = {**dict.fromkeys(Connections.model_fields), "database_url": SecretStr(url)}
    return Connections.model_construct(None, **values)


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+asyncmy", "mariadb+pymysql"])
def test_either_name_with_or_without_a_driver_is_the_same_database(scheme: str) -> None:
    """The protocol is one; whoever connects chooses the driver."""
    found = at(f"{scheme}://me:p%40ss@db:3307/orders?charset=utf8mb4")
    assert found.database == MARIADB
    said = arguments_of(found.plain_database_url)
    assert (said["host"], said["port"], said["user"], said["password"]) == ("db", 3307, "me", "p@ss")
    assert said["database"] == "orders"
    assert "ssl" not in said
    assert "ssl" in arguments_of("mysql://me@db/orders?ssl=true")


def test_postgresql_stays_what_it_was() -> None:
    """Both names of the scheme, for libpq and for whoever asks which database it is."""
    for scheme in ("postgresql", "postgres"):
        found = at(f"{scheme}://me@db/orders?sslmode=require")
        assert found.database == POSTGRESQL
        assert found.psycopg_url == found.plain_database_url == "postgresql://me@db/orders?sslmode=require"


def test_what_needs_postgresql_says_so() -> None:
    """By the setting's name, and where to read on."""
    with pytest.raises(BadConnection, match=r"PostgreSQL alone.*SEAWALL_DATABASE_URL names MariaDB.*docs/mariadb\.md"):
        _ = at("mysql://me@db/orders").psycopg_url


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("mysql://me@db", "no database"),
        ("mysql:///orders", "should look like"),
        ("mysql://me@db/orders?sslmode=require", "sslmode"),
        ("mysql://me@db/orders?ssl_ca=/nowhere/ca.pem", "ssl_ca is no file"),
        ("mysql+asyncmy://me@db:0/orders", "should look like"),
        ("oracle://me@db/orders", "should look like"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, url: str, word: str) -> None:
    """Before anything connects."""
    monkeypatch.setenv("SEAWALL_DATABASE_URL", url)
    with pytest.raises(BadConnection, match=rf"SEAWALL_DATABASE_URL.*{word}"):
        Connections.read()


@given(text=st.text(max_size=60).filter(lambda text: "\0" not in text and text.isprintable()))
def test_a_quote_never_ends_a_text(text: str) -> None:
    """Whatever a text holds, each quote in it but the last has a backslash of its own."""
    record = msgspec.structs.replace(new_record(USERS), name=text or "x")
    (row,) = ROW_TEXTS["users"].rows([record])
    body = row.decode().split(",", 1)[1][1:]
    end, at_ = "", 0
    while body[at_] != "'":
        at_ += 2 if body[at_] == "\\" else 1
        end = body[at_:]
    assert end.startswith(f"',{record.age},")  # type: ignore[attr-defined]  # a user has one


def test_a_statement_ends_before_it_is_too_long_and_no_row_is_forgotten() -> None:
    """A row that is longer than a statement should be has one of its own."""
    rows = [b"(0x%032x,'%s')" % (number, b"x" * 300_000) for number in range(10)]
    rows.append(b"(0x%032x,'%s')" % (99, b"x" * (2 * LONGEST_STATEMENT)))
    statements = list(ROW_TEXTS["users"].inserts(rows))
    assert sum(statement.count(b"(0x") for statement in statements) == len(rows)
    assert all(len(one) < LONGEST_STATEMENT + 500 for one in statements[:-1])
    assert list(ROW_TEXTS["users"].inserts([])) == []


def test_the_id_of_a_row_is_that_of_its_record() -> None:
    """For every entity, since the id is its first field."""
    for entity in ENTITIES.values():
        records = [new_record(entity) for _ in range(5)]
        assert [id_of(row) for row in ROW_TEXTS[entity.name].rows(records)] == [one.id.bytes for one in records]

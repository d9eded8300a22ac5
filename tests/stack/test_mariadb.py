"""MariaDB in PostgreSQL's place: a small stack without Kafka, its settings, and what is made of it on purpose."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncmy
import httpx
import msgspec
import pytest
from databases import running_mariadb, session_of
from new_records import new_record
from service_processes import eventually

from contract.entities import ENTITIES
from contract.mariadb import arguments_of
from seawall.experiments.arms import ARMS, arm_of
from seawall.experiments.errors import ArmNotMade
from seawall.experiments.fault import obstacles
from seawall.stack import mariadb
from seawall.stack.certificates import Certificate
from seawall.stack.checks import CHECKS
from seawall.stack.errors import BadOptions, NotAdjusted, ServerFailed, Unreachable
from seawall.stack.faults.catalogue import CATALOGUE
from seawall.stack.faults.fault import Field
from seawall.stack.options import StackOptions
from seawall.stack.plan import make_plan
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
JSON = {"content-type": "application/json"}
SOON = {"SEAWALL_DATABASE_TIMEOUT_S": "1"}
"""An API that gives a statement up so soon keeps no test waiting."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, mariadb_url: str) -> Iterator[Stack]:
    """Run a stack with a MariaDB of its own; where none is installed `mariadb_url` leaves the test out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(tmp_path_factory.mktemp("mariadb")))
        running = Stack.up(StackOptions(kafka=False, database="mariadb", environment=SOON), owner="tests")
        yield running
        running.down()


def write(stack: Stack, path: str = "sync") -> int:
    """Write a user, and return the answer's status; 0 where there is none."""
    body = msgspec.json.encode(new_record(USERS))
    url = f"{stack.state.api_url}/v1/{path}/users"
    try:
        return httpx.post(url, content=body, headers={**JSON, **stack.api_headers}, timeout=20).status_code
    except httpx.TransportError:
        return 0


def test_its_durability_is_read_back_and_named(small: Stack) -> None:
    """As the embedded one is set up each commit is flushed, and the arm says so."""
    said = small.settings()
    assert "postgres" not in said
    assert said["mariadb"]["innodb_flush_log_at_trx_commit"] == "1"
    assert said["mariadb"]["innodb_doublewrite"] == "ON"
    assert said["mariadb"]["log_bin"] == "OFF"
    arm = arm_of(ARMS["sync"], said)
    assert arm.durability == "fsync"
    assert arm.settings["mariadb"] == said["mariadb"]
    assert "MariaDB" in small.versions["mariadb"]


def test_an_arm_that_flushes_later_is_made_and_taken_back(small: Stack) -> None:
    """What the server reports then is what the arm promises; a setting that it has not is named."""
    with small.adjustments() as adjustments:
        adjustments.apply(ARMS["sync-later"].settings)
        assert arm_of(ARMS["sync-later"], small.settings()).durability == "fsync later"
        with pytest.raises(ArmNotMade):
            arm_of(ARMS["sync"], small.settings())
    assert arm_of(ARMS["sync"], small.settings()).durability == "fsync"
    wrong = msgspec.structs.replace(ARMS["sync-later"].settings, mariadb={"innodb_flush_log": "0"})
    with pytest.raises(NotAdjusted, match="no setting 'innodb_flush_log'"), small.adjustments() as adjustments:
        adjustments.apply(wrong)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"innodb_flush_log_at_trx_commit": "1", "log_bin": "OFF", "sync_binlog": "0"}, "fsync"),
        ({"innodb_flush_log_at_trx_commit": "1", "log_bin": "ON", "sync_binlog": "1"}, "fsync"),
        ({"innodb_flush_log_at_trx_commit": "1", "log_bin": "ON", "sync_binlog": "0"}, "fsync later"),
        ({"innodb_flush_log_at_trx_commit": "2", "log_bin": "OFF", "sync_binlog": "1"}, "fsync later"),
    ],
)
def test_a_binary_log_counts_too(settings: dict[str, str], words: str) -> None:
    """A commit that is not in it is taken back after a crash, whatever InnoDB has flushed."""
    name = "sync" if words == "fsync" else "sync-later"
    assert arm_of(ARMS[name], {"mariadb": settings}).durability == words


def test_it_comes_back_after_it_was_killed_and_has_what_it_had(small: Stack) -> None:
    """The stack starts it again, and the service finds it."""
    assert write(small) == 201
    before, pid = small.row_counts(), small.state.services["mariadb"].pid
    small.signal("mariadb", signal.SIGKILL)
    eventually(lambda: small.state.services["mariadb"].pid not in (None, pid), 30)
    eventually(lambda: write(small) == 201, 30)
    assert small.row_counts()["users"] > before["users"] > 0
    small.fresh()
    assert set(small.row_counts().values()) == {0}


@pytest.mark.parametrize("name", ["lock-tables", pytest.param("exhaust-connections", marks=pytest.mark.long)])
def test_a_fault_in_it_bites_and_heals(small: Stack, name: str) -> None:
    """Whoever writes meanwhile is told that it did not work, and afterwards all is as before."""
    assert CATALOGUE[name].obstacle(small.state) == ""
    assert write(small) == write(small, "grouped") == 201
    fault = CATALOGUE[name].make(Field(small, random.Random(1)))
    try:
        fault.begin()
        assert write(small) == write(small, "grouped") == 503
    finally:
        fault.end()
    assert fault.bite()
    eventually(lambda: write(small) == write(small, "grouped") == 201, 30)


def test_faults_of_the_other_database_are_none_of_its(small: Stack) -> None:
    """Each kind has its own names."""
    assert CATALOGUE["kill-mariadb"].obstacle(small.state) == ""
    assert CATALOGUE["kill-postgres"].obstacle(small.state) == "this run has no PostgreSQL"


def test_nobody_comes_in_without_a_password(small: Stack) -> None:
    """Neither as root nor as nobody."""
    for user in ("root", "", "seawall"):
        url = re.sub(r"//[^@]*@", f"//{user}:@", small.connections.plain_database_url)
        with pytest.raises(Unreachable, match="user or password are wrong"):
            mariadb.check(url)


def test_a_server_is_asked_what_it_is(small: Stack) -> None:
    """The check is made of real requests, and says what is wrong with an address."""
    url = small.connections.plain_database_url
    assert "MariaDB" in mariadb.check(url)
    with pytest.raises(Unreachable, match=r"SEAWALL_DATABASE_URL: .*nowhere.*create it"):
        mariadb.check(url.removesuffix("/seawall") + "/nowhere")
    with pytest.raises(Unreachable, match=r"nothing answers there.*start the server"):
        mariadb.check("mysql://a:b@127.0.0.1:9/c")


def test_clients_have_accounts_of_their_own_that_own_the_tables_alone(small: Stack) -> None:
    """So sessions of the service can be told from those of who measures it."""
    assert write(small) == 201
    session = session_of(small.connections)
    users = {user for (user,) in session.ask("SELECT user FROM information_schema.processlist")}
    session.close()
    assert {mariadb.USER, mariadb.CLIENTS["api"]} <= users


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (StackOptions(database="oracle"), "choose postgresql or mariadb"),
        (StackOptions(database="mariadb", replica=True), "--replica"),
        (StackOptions(database="mariadb", flush_delay_ms=2), "--flush-delay"),
        (StackOptions(database="mariadb", feeds=("database",)), "--feed database"),
    ],
)
def test_what_needs_postgresql_is_refused_by_name(options: StackOptions, words: str) -> None:
    """Before anything is started."""
    with pytest.raises(BadOptions, match=words):
        options.checked()


def test_an_address_of_another_database_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The setting and the option have to agree; without the option the setting decides, with all that follows."""
    monkeypatch.setenv("SEAWALL_DATABASE_URL", "mysql://a:b@127.0.0.1:9/c")
    place = {"run": "r", "data": tmp_path, "logs": tmp_path}
    with pytest.raises(BadOptions, match="asks for PostgreSQL, and SEAWALL_DATABASE_URL names MariaDB or MySQL"):
        make_plan(StackOptions(kafka=False, database="postgresql"), made=[], **place)  # type: ignore[arg-type]
    with pytest.raises(BadOptions, match="--feed database"):
        make_plan(StackOptions(kafka=False, feeds=("database",)), made=[], **place)  # type: ignore[arg-type]
    monkeypatch.setenv("SEAWALL_DATABASE_REPLICA_URL", "postgresql://a:b@127.0.0.1:9/c")
    with pytest.raises(BadOptions, match="SEAWALL_DATABASE_REPLICA_URL names a PostgreSQL"):
        make_plan(StackOptions(kafka=False), made=[], **place)  # type: ignore[arg-type]
    monkeypatch.delenv("SEAWALL_DATABASE_REPLICA_URL")
    plan = make_plan(StackOptions(kafka=False), made=[], **place)  # type: ignore[arg-type]
    for listener in plan.sockets:
        listener.close()
    assert plan.database is not None
    assert (plan.database.kind, plan.database.command()) == ("mariadb", [])


def test_where_none_is_installed_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what to install, and the other way; a MySQL, or an old one, is named."""
    monkeypatch.setattr(mariadb, "_SYSTEM_PROGRAMS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerFailed, match=r"no MariaDB is installed.*mariadb-server.*SEAWALL_DATABASE_URL"):
        mariadb.program()
    fake = tmp_path / "mysqld"
    for said, words in (
        ("mysqld  Ver 8.4.2 for Linux on x86_64", "is MySQL's"),
        ("mysqld  Ver 10.3.1-MariaDB for Linux", r"10\.6 or newer is needed"),
    ):
        fake.write_text(f"#!/bin/sh\necho '{said}'\n")
        fake.chmod(0o755)
        assert os.access(fake, os.X_OK)
        with pytest.raises(ServerFailed, match=words):
            mariadb.program()


def test_a_server_of_ones_own_takes_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mariadb_url: str
) -> None:
    """By its address alone, with a driver's name in it or without; it is asked, used, emptied of runs, and stays."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEAWALL_DATABASE_URL", mariadb_url.replace("mysql://", "mysql+asyncmy://"))
    (finding,) = next(check for check in CHECKS if check.name == "database").run()
    assert "external" in finding.text
    assert "MariaDB" in finding.text
    stack = Stack.up(StackOptions(kafka=False), owner="tests")
    try:
        assert stack.state.services["mariadb"].external
        assert "seawall:" not in stack.state.services["mariadb"].address
        assert write(stack) == write(stack, "grouped") == 201
        assert stack.row_counts()["users"] == 2
        assert "kill-mariadb" not in {name for name, why in obstacles(stack.state, ()).items() if not why}
        stack.fresh()
    finally:
        stack.down()
    assert "MariaDB" in mariadb.check(mariadb_url)


def test_tls_is_spoken_where_it_is_asked_for(tmp_path: Path, mariadb_url: str) -> None:
    """By both drivers, to a server that takes nothing else, and only where its certificate is vouched for."""
    del mariadb_url  # where none is installed the test is left out
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        certificate, other = Certificate.made_in(place / "tls"), Certificate.made_in(tmp_path / "other")
        for one in (place / "tls", *(place / "tls").iterdir()):
            one.chmod(0o755)  # the server may be another user
        told = [f"--ssl-cert={certificate.chain}", f"--ssl-key={certificate.key}", "--require-secure-transport=ON"]
        with running_mariadb(*told) as url_of:
            url = f"{url_of('')}?ssl_ca={certificate.authority}"
            assert "MariaDB" in mariadb.check(url)
            with pytest.raises(Unreachable, match="certificate verify failed"):
                mariadb.check(f"{url_of('')}?ssl_ca={other.authority}")

            async def asked() -> tuple[str, ...]:
                connection = await asyncmy.connect(**arguments_of(url))
                async with connection.cursor() as cursor:
                    await cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
                    found: tuple[str, ...] = await cursor.fetchone()
                connection.close()
                return found

            assert asyncio.run(asked())[1]

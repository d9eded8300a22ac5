"""Which database a stack has, and which replica of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from pydantic import SecretStr

from contract.connections import DATABASE_NAMES, MARIADB
from seawall.stack import mariadb, places, postgres
from seawall.stack.errors import BadOptions
from seawall.stack.mariadb import MariaDb
from seawall.stack.options import StackOptions
from seawall.stack.replica import PostgresReplica
from seawall.stack.service import External, without_password

if TYPE_CHECKING:
    from seawall.stack.plan import Plan


def add_database(
    plan: Plan, options: StackOptions, port: int, run: str, data: Path, logs: Path, *, embed: bool
) -> None:
    """Add the one that the settings name, or ours where *embed* is true; raises `BadOptions`."""
    if plan.connections.database_url is not None:
        _add_given_database(plan, options)
    elif embed:
        user = places.unprivileged_user()
        name = "mariadb" if options.database == MARIADB else "postgres"
        directory = data / name
        if user:
            plan.directories.append(places.make_private(user, run))
            directory = plan.directories[-1]
        own: MariaDb | postgres.Postgres
        if options.database == MARIADB:
            own = MariaDb(directory=directory, log=logs / "mariadb.log", port=port, user=user, disk_mb=options.disk_mb)
        else:
            own = postgres.Postgres(
                directory=directory,
                log=logs / "postgres.log",
                port=port,
                user=user,
                flush_delay_ms=options.flush_delay_ms,
                disk_mb=options.disk_mb,
            )
        plan.database = own
        if options.disk_mb:
            plan.mounts.append(own.data)
        plan.connections = plan.connections.model_copy(update={"database_url": SecretStr(own.url)})


def _add_given_database(plan: Plan, options: StackOptions) -> None:
    found = plan.connections.database
    if options.database not in ("", found):
        raise BadOptions(
            f"this asks for {DATABASE_NAMES[options.database]}, and SEAWALL_DATABASE_URL names {DATABASE_NAMES[found]}:"
            " unset it, or leave out what asks for another (--database; docs/mariadb.md says what needs PostgreSQL)"
        )
    if options.flush_delay_ms:
        raise BadOptions(
            "the database of SEAWALL_DATABASE_URL is not ours, so its flushes are left alone: unset it, or leave"
            " --flush-delay out"
        )
    msgspec.structs.replace(options, database=found).checked()  # what that database cannot have
    url = plan.connections.plain_database_url
    name, ask = ("mariadb", mariadb.check) if found == MARIADB else ("postgres", postgres.check)
    plan.database = External(name, name, without_password(url), partial(ask, url))


def add_replica(plan: Plan, options: StackOptions, port: int, data: Path, logs: Path) -> None:
    """Add the replica that the settings name, or ours where *options* ask for one; raises `BadOptions`."""
    if plan.connections.database_replica_url is not None:
        if plan.database is not None and plan.database.kind == "mariadb":
            raise BadOptions("SEAWALL_DATABASE_REPLICA_URL names a PostgreSQL, and the database is none: unset it")
        url = plan.connections.database_replica_url.get_secret_value()
        ask = partial(postgres.check, url, "SEAWALL_DATABASE_REPLICA_URL")
        plan.replica = External("postgres-replica", "postgres", without_password(url), ask)
    elif options.replica:
        if not isinstance(plan.database, postgres.Postgres):
            raise BadOptions(
                "the database is not ours, so it gets no replica of ours: give the address of its own by"
                " SEAWALL_DATABASE_REPLICA_URL, or leave --replica out"
            )
        directory = data / "postgres-replica"
        if plan.database.user:
            directory = plan.directories[-1] / "replica"
        own = PostgresReplica(plan.database, directory=directory, log=logs / "postgres-replica.log", port=port)
        plan.replica = own
        plan.connections = plan.connections.model_copy(update={"database_replica_url": SecretStr(own.url)})

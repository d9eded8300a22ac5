"""A replica of the embedded PostgreSQL: it follows the primary's log, and lookups read from it."""

from __future__ import annotations

from pathlib import Path

from seawall.stack.errors import Unreachable
from seawall.stack.other_user import hand_over
from seawall.stack.ports import HOST
from seawall.stack.postgres import USER, Postgres, check
from seawall.stack.service import NotReady, make_directories

_SLOT = "replica"


class PostgresReplica(Postgres):
    """A hot standby made by `pg_basebackup` once the primary answers; it streams, and nothing waits for it."""

    name = "postgres-replica"
    restarts = False  # lookups go on without it

    def __init__(self, primary: Postgres, *, directory: Path, log: Path, port: int) -> None:
        super().__init__(directory=directory, log=log, port=port, user=primary.user)
        self._primary = primary
        self.password = primary.password

    def prepare(self) -> None:
        """Copy the primary, which has to run; raises `ServerFailed`."""
        tmp = self._directory / "tmp"
        make_directories(self._directory, tmp)
        hand_over(self.user, self._directory, tmp)
        self._binaries = self._primary.binaries
        data = self._directory / "data"
        self._run(
            "pg_basebackup",
            *("--dbname", f"postgresql://{USER}@{self._primary.address}/postgres", "--pgdata", str(data)),
            *("--wal-method=stream", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            *("--create-slot", f"--slot={_SLOT}"),
        )
        # the copy brings the primary's settings; what stands last counts
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.write(f"listen_addresses = '{HOST}'\nport = '{self.port}'\n")

    def environment(self) -> dict[str, str]:
        """Return the primary's environment with its password, which a command line would show to everybody."""
        return {**super().environment(), "PGPASSWORD": self.password}

    def answer(self) -> str:
        """Return the version once the replica answers and follows the primary; raises `NotReady`."""
        import psycopg  # noqa: PLC0415 - loaded while the servers start

        try:
            version = check(self.url, "the replica")
            with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as connection:
                row = connection.execute("SELECT status FROM pg_stat_wal_receiver").fetchone()
        except (Unreachable, psycopg.OperationalError) as error:
            raise NotReady(str(error)) from None
        if row is None or row[0] != "streaming":
            raise NotReady("it does not stream yet")
        return version

"""Settings of running servers that an arm of an experiment asks for; `Adjustments` makes and takes back the changes."""

from __future__ import annotations

import msgspec


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings by name, as the servers write them: ``postgres={"synchronous_commit": "off"}``."""

    postgres: dict[str, str] = {}
    """Taken where the database is PostgreSQL, as the next is where it is MariaDB."""
    mariadb: dict[str, str] = {}
    topics: dict[str, str] = {}
    """Of every topic of ours."""
    brokers: dict[str, str] = {}
    """Of every broker of ours, as far as they take it while they run."""
    variables: dict[str, dict[str, str]] = {}
    """Environment variables by the kind of service, ``api`` or ``sink``, which is started anew for them."""

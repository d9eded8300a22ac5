"""Where database, log and cache are: from the environment or `.env`, the same names for every process.

``SEAWALL_DATABASE_URL``, ``SEAWALL_KAFKA_BOOTSTRAP_SERVERS``, ``SEAWALL_CACHE_URL`` and so on; the same names without
the prefix are taken too, the prefixed one wins.
"""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract import mariadb
from contract.errors import BadConnection

POSTGRESQL, MARIADB = "postgresql", "mariadb"
DATABASES = (POSTGRESQL, MARIADB)
"""The second stands for MySQL as well."""
DATABASE_NAMES = {POSTGRESQL: "PostgreSQL", MARIADB: "MariaDB or MySQL"}

_SCHEMES = {
    "database_url": ("postgresql", "postgres", *mariadb.SCHEMES),
    "database_replica_url": ("postgresql", "postgres"),
    "cache_url": ("redis", "rediss", "valkey", "valkeys"),
    "registry_url": ("http", "https"),
}


def _named(name: str) -> Any:
    return Field(default=None, validation_alias=AliasChoices(f"SEAWALL_{name}", name))


class Connections(BaseSettings):
    """Addresses and credentials of the servers; what is None is not there."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, populate_by_name=True)

    database_url: SecretStr | None = _named("DATABASE_URL")
    database_replica_url: SecretStr | None = _named("DATABASE_REPLICA_URL")
    """A replica of it that lookups may read."""
    cache_url: SecretStr | None = _named("CACHE_URL")
    kafka_bootstrap_servers: str | None = _named("KAFKA_BOOTSTRAP_SERVERS")
    kafka_security_protocol: str | None = _named("KAFKA_SECURITY_PROTOCOL")
    kafka_sasl_mechanism: str | None = _named("KAFKA_SASL_MECHANISM")
    kafka_sasl_username: str | None = _named("KAFKA_SASL_USERNAME")
    kafka_sasl_password: SecretStr | None = _named("KAFKA_SASL_PASSWORD")
    kafka_ssl_ca_location: str | None = _named("KAFKA_SSL_CA_LOCATION")
    registry_url: SecretStr | None = _named("REGISTRY_URL")
    """A schema registry's API as Confluent describes it."""
    api_url: str | None = _named("API_URL")
    """A service that runs already, to be loaded in place of ours."""
    api_key: SecretStr | None = _named("API_KEY")
    """A client's key to it; no server needs that."""

    @classmethod
    def read(cls) -> Self:
        """Read the environment and `.env`; raises `BadConnection` where a value cannot be an address."""
        try:
            found = cls()
        except ValidationError as error:
            names = ", ".join(str(problem["loc"][0]) for problem in error.errors())
            raise BadConnection(f"{names}: not a usable value") from None
        found._check_urls()
        return found

    def _check_urls(self) -> None:
        for name, schemes in _SCHEMES.items():
            url: SecretStr | None = getattr(self, name)
            if url is None:
                continue
            wanted = f"SEAWALL_{name.upper()} should look like {schemes[0]}://user:password@host:port/name"
            try:
                parts = urlsplit(url.get_secret_value())
                scheme = _without_driver(parts.scheme)
                usable = scheme in schemes and bool(parts.hostname) and parts.port != 0
            except ValueError:
                usable = False
            if not usable:
                raise BadConnection(wanted)
            if scheme in mariadb.SCHEMES and (flaw := mariadb.flaw_of(parts)):
                raise BadConnection(
                    f"SEAWALL_{name.upper()}: {flaw}; it should look like {scheme}://user:password@host/name"
                )

    @property
    def database(self) -> str:
        """Which of `DATABASES` it is; raises `BadConnection` where none is set."""
        scheme, _, _ = self._database_url().partition("://")
        return MARIADB if _without_driver(scheme) in mariadb.SCHEMES else POSTGRESQL

    @property
    def psycopg_url(self) -> str:
        """The database's URL for libpq; raises `BadConnection` where none is set, or it is no PostgreSQL."""
        if self.database != POSTGRESQL:
            raise BadConnection(
                f"this is done with PostgreSQL alone, and SEAWALL_DATABASE_URL names {DATABASE_NAMES[self.database]}"
                " (docs/mariadb.md says what is done with it): give the address of a PostgreSQL, or leave it out"
            )
        return self.plain_database_url

    @property
    def plain_database_url(self) -> str:
        """The database's URL, whichever it is, without a driver's name; raises `BadConnection` where none is set."""
        scheme, _, rest = self._database_url().partition("://")
        return f"{POSTGRESQL if self.database == POSTGRESQL else _without_driver(scheme)}://{rest}"

    @property
    def of_replica(self) -> Self:
        """The same connections with the replica in the database's place."""
        return self.model_copy(update={"database_url": self.database_replica_url})

    @property
    def redis_url(self) -> str:
        """The cache's URL for the `redis` client; raises `BadConnection` where none is set."""
        if self.cache_url is None:
            raise BadConnection("no cache: set SEAWALL_CACHE_URL, or start one with `bin/seawall up`")
        return self.cache_url.get_secret_value().replace("valkey", "redis", 1)

    @property
    def kafka(self) -> dict[str, Any]:
        """Settings of librdkafka to reach the brokers; raises `BadConnection` where none is set."""
        if self.kafka_bootstrap_servers is None:
            raise BadConnection("no Kafka: set SEAWALL_KAFKA_BOOTSTRAP_SERVERS, or start one with `bin/seawall up`")
        password = self.kafka_sasl_password
        settings = {
            "bootstrap.servers": self.kafka_bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
            "sasl.mechanism": self.kafka_sasl_mechanism,
            "sasl.username": self.kafka_sasl_username,
            "sasl.password": password.get_secret_value() if password else None,
            "ssl.ca.location": self.kafka_ssl_ca_location,
        }
        return {name: value for name, value in settings.items() if value is not None}

    def environment(self) -> dict[str, str]:
        """Return the variables that give these connections to a server's process; clients' keys are not among them."""
        found = {}
        for name in type(self).model_fields.keys() - {"api_key"}:
            value = getattr(self, name)
            if value is not None:
                found[f"SEAWALL_{name.upper()}"] = value.get_secret_value() if isinstance(value, SecretStr) else value
        return found

    def _database_url(self) -> str:
        if self.database_url is None:
            raise BadConnection("no database: set SEAWALL_DATABASE_URL, or start one with `bin/seawall up`")
        return self.database_url.get_secret_value()


def _without_driver(scheme: str) -> str:
    """Return *scheme* as who speaks the protocol would say it: ``mysql`` of ``mysql+asyncmy``."""
    protocol, _, driver = scheme.partition("+")
    return protocol if driver and protocol in mariadb.SCHEMES else scheme

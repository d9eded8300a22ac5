"""The schema registry: Apicurio Registry on its Confluent-compatible API, and what is asked of any such one."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from seawall.stack.errors import Unreachable
from seawall.stack.java import Java
from seawall.stack.ports import HOST
from seawall.stack.registry_program import RegistryProgram
from seawall.stack.service import NotReady, OwnService, make_directories, plain_environment

_USER = "seawall"
_API = "/apis/ccompat/v7"
_HEAP = "256m"
_TIMEOUT_S = 5.0
_OK, _UNAUTHORIZED = 200, (401, 403)
RULE = "BACKWARD"
"""What a subject's next version has to be where nobody says otherwise: Confluent's default, which Apicurio lacks."""


class Registry(OwnService):
    """One Apicurio Registry whose schemas lie in a file, so that one that is started again still knows their ids."""

    name = kind = "registry"
    stop_within_s = 5.0
    ready_within_s = 90.0

    def __init__(self, program: RegistryProgram, java: Java, *, directory: Path, port: int, health_port: int) -> None:
        self.port: int | None = port
        self.address = f"{HOST}:{port}"
        self.password = secrets.token_urlsafe(18)
        self._program, self._java = program, java
        self._directory, self._health_port = directory, health_port
        self._has_rule = False

    @property
    def url(self) -> str:
        """The address of its Confluent-compatible API, with user and password."""
        return f"http://{_USER}:{self.password}@{self.address}{_API}"

    def prepare(self) -> None:
        """Write the configuration; a password on the command line would show in `ps`."""
        make_directories(self._directory, self._directory / "tmp")
        properties = self._directory / "application.properties"
        properties.touch(mode=0o600)
        properties.write_text(
            "".join(f"{name}={value}\n" for name, value in self._settings().items()), encoding="ascii"
        )

    def command(self) -> list[str]:
        """Return Java's command line: quick to start, as nobody measures the registry's own speed."""
        return [
            *(str(self._java.program), "-Xms64m", f"-Xmx{_HEAP}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            f"-Djava.io.tmpdir={self._directory / 'tmp'}",
            "-Duser.timezone=UTC",
            f"-Dquarkus.config.locations={self._directory / 'application.properties'}",
            *("-jar", str(self._program.main_jar)),
        ]

    def environment(self) -> dict[str, str]:
        """Return a plain environment."""
        return plain_environment(self._directory / "tmp")

    def answer(self) -> str:
        """Return the version once the API answers and asks for compatible schemas; raises `NotReady`."""
        try:
            if not self._has_rule:
                _put(f"{self.url}/config", {"compatibility": RULE})
                self._has_rule = True
            read_settings(self.url)
        except Unreachable as error:
            raise NotReady(str(error)) from None
        return f"Apicurio {self._program.version}"

    def _settings(self) -> dict[str, object]:
        return {
            "quarkus.http.host": HOST,
            "quarkus.http.port": self.port,
            # health and metrics, which ask for no password and would listen on every address
            "quarkus.management.host": HOST,
            "quarkus.management.port": self._health_port,
            # asks for nothing that the build lacks, whatever the log then says of it: Apicurio looks at it when it runs
            "quarkus.http.auth.basic": "true",
            "quarkus.http.auth.permission.all.paths": "/*",
            "quarkus.http.auth.permission.all.policy": "authenticated",
            "quarkus.security.users.embedded.plain-text": "true",
            f"quarkus.security.users.embedded.users.{_USER}": self.password,
            f"quarkus.security.users.embedded.roles.{_USER}": "sr-admin",
            "quarkus.http.access-log.enabled": "false",
            "quarkus.banner.enabled": "false",
            "quarkus.log.level": "WARN",
            'quarkus.log.category."io.apicurio".level': "WARN",
            "quarkus.otel.sdk.disabled": "true",
            # no delay: an id that was told must outlive a kill, or it would come to mean another schema
            "apicurio.datasource.url": f"jdbc:h2:file:{self._directory / 'schemas'};WRITE_DELAY=0",
            **{f"apicurio.datasource.jdbc.{name}": 4 for name in ("initial-size", "min-size", "max-size")},
        }


def check(url: str) -> str:
    """Return what the registry at *url* is, after one request; raises `Unreachable` with what to do."""
    found = read_settings(url)
    return f"a schema registry, compatibility {found['compatibility']}"


def read_settings(url: str) -> dict[str, Any]:
    """Return which versions of a schema the registry takes where a subject says nothing else; raises `Unreachable`."""
    return {"compatibility": _Config.of(_ask("GET", f"{url}/config")).level}


class _Config(msgspec.Struct):
    """The registry's answer to ``GET /config``."""

    compatibilityLevel: str = ""  # noqa: N815 - the API's name
    compatibility: str = ""

    @property
    def level(self) -> str:
        return self.compatibilityLevel or self.compatibility or "not said"

    @classmethod
    def of(cls, body: bytes) -> _Config:
        try:
            return msgspec.json.decode(body, type=cls)
        except msgspec.DecodeError:
            raise Unreachable(
                "SEAWALL_REGISTRY_URL: what answers there is no schema registry with Confluent's API; correct the path"
                f" (Apicurio's is {_API})"
            ) from None


def _put(url: str, body: dict[str, str]) -> None:
    _ask("PUT", url, body)


def _ask(method: str, url: str, body: dict[str, str] | None = None) -> bytes:
    import requests  # noqa: PLC0415 - loaded while the servers start

    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    try:
        user = (parts.username, parts.password or "") if parts.username else None
        answer = requests.request(method, place, json=body, auth=user, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        reason = type(error).__name__
        raise Unreachable(
            f"SEAWALL_REGISTRY_URL: nothing answers at {place} as it should ({reason}); start the registry, or correct"
            " the address"
        ) from None
    if answer.status_code in _UNAUTHORIZED:
        raise Unreachable("SEAWALL_REGISTRY_URL: user or password are wrong (or missing: http://user:password@host)")
    if answer.status_code != _OK:
        raise Unreachable(f"SEAWALL_REGISTRY_URL: {place} answers {answer.status_code}; correct the address")
    return answer.content

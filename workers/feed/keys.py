"""Who may subscribe: keys that allow reading, from the file that the API has them from."""

from __future__ import annotations

import hmac
import logging
from pathlib import Path

from contract.api_keys import ApiKey, Scope, digest_of, parse_keys
from contract.errors import BadApiKeys
from contract.loopback import is_loopback
from workers.feed.settings import Settings

log = logging.getLogger(__name__)

_UNAUTHORIZED, _FORBIDDEN = 401, 403
_BEARER = "bearer"


class Door:
    """Lets subscribers in, or not; a key that is gone from the file is known to be so within a second of `look`."""

    def __init__(self, file: Path | None) -> None:
        """Without a *file* everybody may come in; raises `BadApiKeys` where it cannot be read."""
        self._file = file
        self._version: tuple[int, int, int] | None = None
        self._keys: list[ApiKey] = []
        if file is not None:
            self._version = self._stat()
            self._keys = self._read(file)

    def refusal(self, authorization: str | None) -> tuple[int, str] | None:
        """Return status and reason where one with this header may not subscribe; every key is compared to its end."""
        if self._file is None:
            return None
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != _BEARER:
            return _UNAUTHORIZED, "send a key: `Authorization: Bearer KEY`"
        given, found = digest_of(key.strip().encode()[:512]), None
        for one in self._keys:
            if hmac.compare_digest(one.digest, given):
                found = one
        if found is None:
            return _UNAUTHORIZED, "this key is not valid, or not any more"
        return None if Scope.READ in found.scopes else (_FORBIDDEN, "this key does not allow reading")

    def look(self) -> bool:
        """Read the file again where it changed, and tell whether it did; one that cannot be read changes nothing."""
        if self._file is None or (version := self._stat()) == self._version:
            return False
        self._version = version
        try:
            self._keys = self._read(self._file)
        except BadApiKeys as error:
            log.error("the keys stay as they were: %s", error)  # noqa: TRY400 - the message says it all
            return False
        return True

    def _stat(self) -> tuple[int, int, int] | None:
        assert self._file is not None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self, file: Path) -> list[ApiKey]:
        try:
            return parse_keys(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            raise BadApiKeys(f"SEAWALL_API_KEYS_FILE: {file} cannot be read: {reason}") from None
        except BadApiKeys as error:
            raise BadApiKeys(f"SEAWALL_API_KEYS_FILE: {file}: {error}") from None


def door_of(settings: Settings) -> Door:
    """Return what *settings* ask for; raises `BadApiKeys` where that is neither keys nor development on loopback."""
    if settings.api_keys_file is not None:
        if settings.api_without_keys:
            raise BadApiKeys("SEAWALL_API_WITHOUT_KEYS contradicts SEAWALL_API_KEYS_FILE: unset one of them")
        return Door(settings.api_keys_file)
    if not settings.api_without_keys:
        raise BadApiKeys(
            "SEAWALL_API_KEYS_FILE: a file of keys is needed; make one with `bin/seawall key NAME --scopes read`, or,"
            " for development on this machine alone, set SEAWALL_API_WITHOUT_KEYS=true"
        )
    if settings.feed_sockets or not is_loopback(settings.feed_host):
        raise BadApiKeys("SEAWALL_API_WITHOUT_KEYS: others could subscribe; listen on 127.0.0.1, or give keys")
    return Door(None)

"""Keys of the API's clients: how they look, and the file in which the service keeps their digests.

A key is 32 random bytes, so a plain SHA-256 of it cannot be turned back: slow hashes are for passwords that people
choose. The file has a line a key, ``NAME SCOPES DIGEST``, with scopes set apart by commas; empty lines and those that
begin with ``#`` say nothing. Several keys at once let clients change theirs one by one; a line that is gone is revoked.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from contract.errors import BadApiKeys

PREFIX = "seawall_"
"""Keys begin with it, so that those who search texts for secrets can find them."""
_KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAMES = "a name has up to 64 letters, digits, dots, hyphens and underscores"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Scope(StrEnum):
    """What a key allows."""

    WRITE = "write"
    """POST of records."""
    READ = "read"
    """GET of records and of what is computed from them."""
    ADMIN = "admin"
    """`/metrics`, where it is shown beyond this machine."""


class ApiKey(NamedTuple):
    """A key as the service knows it."""

    name: str
    scopes: frozenset[Scope]
    digest: bytes
    """SHA-256, 32 bytes."""


def new_key() -> str:
    """Return a new key."""
    return PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def digest_of(key: bytes) -> bytes:
    """Return the digest that the service keeps of *key*."""
    return hashlib.sha256(key).digest()


def line_of(name: str, scopes: Collection[Scope], key: str) -> str:
    """Return the line that makes *key* valid; raises `BadApiKeys` where *name* cannot be one, or *scopes* is empty."""
    if not _NAME.fullmatch(name):
        raise BadApiKeys(_NAMES)
    line = f"{name} {','.join(sorted(scopes))} {digest_of(key.encode()).hex()}"
    _parse_line(line)
    return line


def parse_keys(text: str) -> list[ApiKey]:
    """Return the keys of a file; raises `BadApiKeys` with every mistake, and never repeats what may be a secret."""
    keys: list[ApiKey] = []
    flaws = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            key = _parse_line(line)
        except BadApiKeys as error:
            flaws.append(f"line {number}: {error}")
            continue
        if key.name in [other.name for other in keys]:
            flaws.append(f"line {number}: the name is taken by a key above")
        keys.append(key)
    if flaws:
        raise BadApiKeys("; ".join(flaws))
    return keys


def _parse_line(line: str) -> ApiKey:
    parts = line.split()
    if len(parts) != len(ApiKey._fields):
        raise BadApiKeys("wanted are a name, scopes such as write,read, and a digest")
    name, scopes, digest = parts
    if not _NAME.fullmatch(name):
        raise BadApiKeys(_NAMES)
    if not _DIGEST.fullmatch(digest):
        raise BadApiKeys("a digest has 64 hexadecimal digits; keys themselves do not belong here")
    try:
        found = frozenset(Scope(scope) for scope in scopes.split(","))
    except ValueError:
        raise BadApiKeys(f"scopes are {', '.join(Scope)}, set apart by commas") from None
    return ApiKey(name, found, bytes.fromhex(digest))

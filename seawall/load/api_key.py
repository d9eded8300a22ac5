"""The key that users of a service send: of the running stack, or of ``SEAWALL_API_KEY``."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from contract.connections import Connections
from seawall.stack.state import read_state, state_path


def key_headers(host: str) -> dict[str, str]:
    """Return the headers with which the service at *host* lets users in; none where no key for it is known.

    A key goes to no other service: that of a stack only to its API, and the one of ``SEAWALL_API_KEY`` only to
    ``SEAWALL_API_URL``, where that is set.
    """
    try:
        version = state_path().stat().st_mtime_ns
    except OSError:
        version = 0
    return _headers(host, version)


@lru_cache(maxsize=8)
def _headers(host: str, _: int) -> dict[str, str]:
    """Look once for each version of the state file: ten thousand users ask."""
    given, state, origin = Connections.read(), read_state(), _origin(host)
    key = ""
    if given.api_key is not None and (given.api_url is None or _origin(given.api_url) == origin):
        key = given.api_key.get_secret_value()
    elif state is not None and origin in [_origin(url) for url in (state.api_url, state.api_tls_url) if url]:
        key = state.api_key
    return {"Authorization": f"Bearer {key}"} if key else {}


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)

"""Builds a request's bytes: body, headers, target."""

from __future__ import annotations

import json as json_library
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from requests.utils import requote_uri

from seawall.load.http.connection import Origin

Data = bytes | str | Mapping[str, Any] | None
PORTS = {"http": 80, "https": 443}
_WITH_BODY = frozenset(["POST", "PUT", "PATCH"])
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_NOTHING: Mapping[str, str] = {}


class Plan(NamedTuple):
    """Everything of a request but its body; equal requests share one."""

    origin: Origin
    target: str
    headers: Mapping[str, str] | None
    """Those that the plan was made for."""
    head: bytes
    """Request line and headers, but for the body's length and the empty line."""
    bodied: bool
    """A length is sent even where there is no body."""
    to_head: bool

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{self.origin.scheme}://{host_of(self.origin)}{self.target}"


def body_of(data: Data, json: Any) -> tuple[bytes, Mapping[str, str]]:
    """Return a body and the headers that it brings unless others are given; raises `ValueError`.

    *json* counts where *data* is empty, as with Locust's clients. A mapping is a form, text is UTF-8.
    """
    if not data:
        return (b"", _NOTHING) if json is None else (json_library.dumps(json).encode(), _JSON)
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data), _NOTHING
    if isinstance(data, str):
        return data.encode(), _NOTHING
    if isinstance(data, Mapping):
        return urlencode(data, doseq=True).encode(), _FORM
    raise ValueError(f"a body is bytes, text or a mapping of form fields, and not {type(data).__name__}")


def basic(user: str | bytes, password: str | bytes) -> str:
    """Return the Authorization header's value for a user and a password."""
    pair = (part.encode("latin-1") if isinstance(part, str) else part for part in (user, password))
    return "Basic " + b64encode(b":".join(pair)).decode("ascii")


def header_block(origin: Origin, *layers: Mapping[str, str]) -> str:
    """Return header lines, Host first; later *layers* replace earlier ones, in any case; raises `ValueError`."""
    fields = {"host": ("Host", host_of(origin))}
    for name, value in [pair for layer in layers for pair in layer.items()]:
        if name.lower() == "transfer-encoding":
            raise ValueError("a body is sent whole: Transfer-Encoding cannot be chosen")
        if name.lower() != "content-length":  # it is told by the body
            fields[name.lower()] = (name, str(value))
    block = "".join(f"{name}: {value}\r\n" for name, value in fields.values())
    if block.count("\n") != len(fields) or block.count("\r") != len(fields) or "\0" in block:
        raise ValueError("a header must not hold a line break or a NUL")
    try:
        block.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("a header can hold Latin-1 characters only: encode others yourself") from None
    return block


def plan_of(
    method: str,
    origin: Origin,
    target: str,
    headers: Mapping[str, str] | None,
    layers: Sequence[Mapping[str, str]],
) -> Plan:
    """Return the plan of requests by *method* for *target* at *origin*; raises `ValueError`.

    *headers* are those that were given with the request, *layers* all that are sent.
    """
    if not method.isalpha():
        raise ValueError(f"{method!r} is no method of HTTP")
    head = f"{method} {target} HTTP/1.1\r\n{header_block(origin, *layers)}".encode("latin-1")
    given = None if headers is None else dict(headers)
    return Plan(origin, target, given, head, bodied=method in _WITH_BODY, to_head=method == "HEAD")


def place_of(url: str, params: Any = None) -> tuple[Origin, str]:
    """Return where a whole *url* with *params* leads, and the request's target there; raises `ValueError`."""
    try:
        parts = urlsplit(requote_uri(url))
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is no URL: {error}") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no URL of a web service: give one like http://127.0.0.1:8000/path")
    query = "&".join(part for part in (parts.query, _encoded(params)) if part)
    target = (parts.path or "/") + (f"?{query}" if query else "")
    return Origin(parts.scheme, parts.hostname, port or PORTS[parts.scheme]), target


def host_of(origin: Origin) -> str:
    """Return the value of the Host header."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return host if origin.port == PORTS[origin.scheme] else f"{host}:{origin.port}"


def _encoded(params: Any) -> str:
    if not params:
        return ""
    return params if isinstance(params, str) else urlencode(params, doseq=True)

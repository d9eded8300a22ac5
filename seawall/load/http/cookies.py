"""A user's cookies, kept by the standard library; only users whose server sets some have a jar."""

from __future__ import annotations

from email.message import Message
from http.cookiejar import CookieJar
from typing import Any, cast
from urllib.request import Request


class _Headers:
    """An answer, as the jar wants to see it."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._message = Message()
        for name, value in fields:
            self._message[name] = value

    def info(self) -> Message:
        """Return the headers."""
        return self._message


def keep_cookies(jar: CookieJar, url: str, fields: list[tuple[str, str]]) -> None:
    """Put the cookies that the answer from *url* sets into *jar*."""
    jar.extract_cookies(cast(Any, _Headers(fields)), Request(url))  # noqa: S310 - nothing is opened


def cookie_header(jar: CookieJar, url: str) -> str | None:
    """Return the value of the Cookie header for *url*, or None where no cookie is for it."""
    request = Request(url)  # noqa: S310 - nothing is opened
    jar.add_cookie_header(request)
    return request.get_header("Cookie")

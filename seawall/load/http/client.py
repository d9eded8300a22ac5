"""What `self.client` is: requests with the habits of Locust's clients, at a fraction of their cost.

Left to Locust's own client, which is made when it is first needed: answers that are streamed, and files.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar
from ssl import SSLContext
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from locust.contrib.fasthttp import FastHttpSession, LocustBadStatusCode

from seawall.load.http.connection import Connection, Origin
from seawall.load.http.cookies import cookie_header, keep_cookies
from seawall.load.http.request import Data, Plan, basic, body_of, host_of, place_of, plan_of
from seawall.load.http.response import Response
from seawall.load.http.tls import shared_context

_GOOD = frozenset([200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 301, 302, 303, 304, 307, 308])
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_MOVED, _SEE_OTHER = (301, 302), 303
_DEFAULTS = {"User-Agent": "seawall", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
_NOTHING: Mapping[str, str] = {}
_MOST_PLANS = 256
_shared_plans: dict[tuple[Any, ...], dict[tuple[str, str], Plan]] = {}
"""What users of one address with one set of default headers have in common."""


class Client:
    """Sends requests over kept connections and reports each as a `Response`.

    A status of 4xx or 5xx, or no whole answer, is a failed request and no exception, as with Locust's own clients.
    """

    def __init__(
        self,
        base_url: str,
        report: Callable[[Response], None],
        *,
        abandon: Callable[[Response], None] = lambda _: None,
        on_open: Callable[[], None] = lambda: None,
        connect_s: float = 60.0,
        answer_s: float = 60.0,
        most_redirects: int = 30,
        insecure: bool = True,
        ssl_context: SSLContext | None = None,
        default_headers: Mapping[str, str] | None = None,
        full_client: Callable[[], FastHttpSession] | None = None,
    ) -> None:
        """*report* hears of each request when it is over, *abandon* of one whose user was ended before its answer.

        *connect_s* and *answer_s* are the longest waits. *insecure* takes certificates as they are, *ssl_context*
        replaces the shared one, *full_client* makes Locust's. Raises `ValueError` where *base_url* is no address.
        """
        parts = urlsplit(base_url)
        self._origin, _ = place_of(base_url)
        self._prefix = parts.path.rstrip("/")
        self.base_url = f"{parts.scheme}://{host_of(self._origin)}{self._prefix}"
        self.due_ns = 0
        """When the next request is meant to be sent, monotonic; that request takes it. 0: whenever it is sent."""
        self.request_name: str | None = None
        """Counts requests without a name of their own under this one; see `rename_request`."""
        self._report, self._abandon, self._on_open = report, abandon, on_open
        self._connect_s, self._answer_s = connect_s, answer_s
        self._most_redirects = most_redirects
        self._insecure, self._context = insecure, ssl_context
        self._make_full = full_client
        self._full: FastHttpSession | None = None
        self._jar: CookieJar | None = None
        self._idle: dict[Origin, list[Connection]] = {self._origin: []}
        self._defaults = dict(_DEFAULTS)
        if parts.username:
            self._defaults["Authorization"] = basic(unquote(parts.username), unquote(parts.password or ""))
        self._defaults |= default_headers or {}
        self._plans = _shared_plans.setdefault((self.base_url, *self._defaults.items()), {})

    @property
    def cookiejar(self) -> CookieJar:
        """The user's cookies."""
        if self._jar is None:
            self._jar = CookieJar()
        return self._jar

    def connect(self) -> None:
        """Open a connection to the base address, so that the first request need not; raises `OSError`."""
        idle = self._idle[self._origin]
        if not idle:
            connection = self._new_connection(self._origin)
            connection.open()
            idle.append(connection)

    def close(self) -> None:
        """Close all idle connections; the next request opens one again."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def get(self, url: str, **named: Any) -> Response:
        """Send a GET request; see `request`."""
        return self.request("GET", url, **named)

    def post(self, url: str, data: Data = None, json: Any = None, **named: Any) -> Response:
        """Send a POST request; see `request`."""
        return self.request("POST", url, data=data, json=json, **named)

    def put(self, url: str, data: Data = None, **named: Any) -> Response:
        """Send a PUT request; see `request`."""
        return self.request("PUT", url, data=data, **named)

    def patch(self, url: str, data: Data = None, **named: Any) -> Response:
        """Send a PATCH request; see `request`."""
        return self.request("PATCH", url, data=data, **named)

    def delete(self, url: str, **named: Any) -> Response:
        """Send a DELETE request; see `request`."""
        return self.request("DELETE", url, **named)

    def head(self, url: str, **named: Any) -> Response:
        """Send a HEAD request; see `request`."""
        return self.request("HEAD", url, **named)

    def options(self, url: str, **named: Any) -> Response:
        """Send an OPTIONS request; see `request`."""
        return self.request("OPTIONS", url, **named)

    def iter_lines(self, url: str, method: str = "GET", **named: Any) -> Iterator[str]:
        """Yield the lines of a streamed answer, by Locust's own client."""
        headers = self._with_defaults(url, named.pop("headers", None))
        return self._locusts().iter_lines(url, method, headers=headers, **named)

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Count the requests of a with-block under *name*."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def request(
        self,
        method: str,
        url: str,
        *,
        name: str | None = None,
        data: Data = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Any = None,
        auth: tuple[str | bytes, str | bytes] | None = None,
        catch_response: bool = False,
        allow_redirects: bool = True,
        context: Mapping[str, Any] | None = None,
        **streamed: Any,
    ) -> Response:
        """Send one request and return what it came to.

        *url* is a path below the base address, or a whole URL. *data* is a body or the fields of a form; *json* becomes
        a body where *data* is empty. With *catch_response*, use the result in a with-block: its end reports it.
        Raises `ValueError` for what cannot be sent.
        """
        if streamed:
            headers = self._with_defaults(url, headers)
            given = {"name": name, "data": data, "json": json, "headers": headers, "params": params, "auth": auth,
                     "catch_response": catch_response, "allow_redirects": allow_redirects, "context": context or {},
                     **streamed}  # fmt: skip
            return self._locusts().request(method, url, **given)  # type: ignore[return-value]  # of the same habits
        response = Response(self._report, method, name or self.request_name or url, url)
        if context:
            response.context = dict(context)
        if type(data) is bytes:
            body, brought = data, None
        else:
            body, brought = body_of(data, json)
        plan = self._plans.get((method, url))
        if plan is None or plan.headers != headers or brought or auth or params:
            if auth is not None:
                headers = {**(headers or _NOTHING), "Authorization": basic(*auth)}
            plan = self._plan(method, *self._place(url, params), headers, brought)
            if name is None and not (brought or params):  # a URL that is its own name is one of a few
                self._keep(method, url, plan)
        response.intended_ns, self.due_ns = self.due_ns, 0
        self._exchange(response, plan, body)
        if response.status_code in _REDIRECTS and allow_redirects:
            self._follow(response, plan, headers or _NOTHING, body)
        if catch_response:
            return response.caught()
        self._report(response)
        return response

    def _exchange(self, response: Response, plan: Plan, body: bytes) -> None:
        """Send one request, and put its answer, or the error that came in its place, into *response*."""
        head = plan.head if self._jar is None else self._with_cookies(plan)
        request = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body) if body or plan.bodied else head + b"\r\n"
        idle = self._idle.get(plan.origin)
        if idle is None:
            idle = self._idle[plan.origin] = []
        connection = idle.pop() if idle else self._new_connection(plan.origin)
        try:
            status, head, response.content = connection.exchange(request, plan.to_head)
            response.status_code, response.head, response.error = status, head, None
            response.answered_ns = connection.answered_ns
            if b"ookie:" in head:
                keep_cookies(self.cookiejar, plan.url, response.fields())
            if b"ncoding:" in head and not plan.to_head:
                response.decode()
            if status not in _GOOD:
                response.error = LocustBadStatusCode(response.url, code=status)
        except (OSError, zlib.error) as error:
            response.set_error(error)
            response.answered_ns = time.monotonic_ns()
        except BaseException:
            response.sent_ns = response.sent_ns or connection.sent_ns
            response.answered_ns = time.monotonic_ns()
            self._abandon(response)
            raise
        response.sent_ns = response.sent_ns or connection.sent_ns
        idle.append(connection)

    def _follow(self, response: Response, plan: Plan, headers: Mapping[str, str], body: bytes) -> None:
        """Send what the redirects in *response* ask for; its times are those of all of them together."""
        asked = response.method
        for _ in range(self._most_redirects):
            place = response.header("Location")
            if response.status_code not in _REDIRECTS or response.error is not None or place is None:
                response.method = asked
                return
            if response.status_code == _SEE_OTHER or (response.status_code in _MOVED and response.method == "POST"):
                if response.method != "HEAD":
                    response.method = "GET"
                body = b""
                headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
            try:
                origin, target = place_of(urljoin(plan.url, place))
            except ValueError as error:
                response.set_error(ConnectionError(f"a redirect to nowhere: {error}"))
                break
            if origin != plan.origin:  # secrets are for the address that they were given for
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            plan = self._plan(response.method, origin, target, headers, None)
            self._exchange(response, plan, body)
        else:
            response.set_error(ConnectionError(f"more than {self._most_redirects} redirects"))
        response.method = asked

    def _place(self, url: str, params: Any) -> tuple[Origin, str]:
        """Return where *url* leads; a path is below the base address."""
        if not params and url[:1] == "/" and url.isascii() and url.isprintable() and not (" " in url or "#" in url):
            return self._origin, self._prefix + url
        if url[:4].lower() != "http":
            url = self.base_url + ("" if url[:1] in ("/", "?", "#") else "/") + url
        return place_of(url, params)

    def _plan(
        self,
        method: str,
        origin: Origin,
        target: str,
        headers: Mapping[str, str] | None,
        brought: Mapping[str, str] | None,
    ) -> Plan:
        defaults = self._defaults if origin == self._origin else _without_secrets(self._defaults)
        return plan_of(method, origin, target, headers, (defaults, brought or _NOTHING, headers or _NOTHING))

    def _keep(self, method: str, url: str, plan: Plan) -> None:
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        self._plans[method, url] = plan

    def _with_cookies(self, plan: Plan) -> bytes:
        cookies = cookie_header(self.cookiejar, plan.url)
        return plan.head + f"Cookie: {cookies}\r\n".encode("latin-1") if cookies else plan.head

    def _new_connection(self, origin: Origin) -> Connection:
        context = None
        if origin.scheme == "https":
            context = self._context or shared_context(insecure=self._insecure)
        return Connection(origin, context, connect_s=self._connect_s, answer_s=self._answer_s, on_open=self._on_open)

    def _with_defaults(self, url: str, headers: Mapping[str, str] | None) -> dict[str, str]:
        """Return the headers that Locust's client is to send: it knows no defaults, as it would send them anywhere."""
        origin, _ = self._place(url, None)
        defaults = self._defaults if origin == self._origin else _without_secrets(self._defaults)
        return {**defaults, **(headers or _NOTHING)}

    def _locusts(self) -> FastHttpSession:
        if self._full is None:
            if self._make_full is None:
                raise ValueError("this client streams nothing")
            self._full = self._make_full()
        return self._full


def _without_secrets(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in ("authorization", "cookie")}

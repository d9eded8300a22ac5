"""What a request came to, with the habits of Locust's responses."""

from __future__ import annotations

import codecs
import json
import time
import zlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType, TracebackType
from typing import Any, Self

from locust.exception import CatchResponseError, LocustError, ResponseError
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

_NOT_ENTERED = "in order to say success or failure, pass catch_response=True and use a with-block"


class Response:
    """One answer, or the error that came in its place; headers and text are decoded when they are asked for.

    With ``catch_response=True`` it is a context manager, in which `success` and `failure` overrule the status.
    """

    # defaults of the class and not of each object: most requests need few of these
    status_code = 0
    """0 where no answer came."""
    error: Exception | None = None
    """Why this is no success: no whole answer, or a status that is none."""
    intended_ns = 0
    """When the request was due, monotonic; 0 where it was on no schedule."""
    sent_ns = 0
    answered_ns = 0
    encoding: str | None = None
    """Set it before reading `text` where the server does not tell it."""
    js: Any = None
    """The parsed body, which Locust's `rest` puts here."""
    content: bytes | None = None
    """The whole body, decoded; None where no answer came."""
    context: Mapping[str, Any] = MappingProxyType({})
    """What Locust's request event is told besides."""
    head: bytes | None = None
    """Status line and headers as they came, without the empty line; None where no answer came."""
    span: Any = None
    """What is traced of it; None where nothing is."""
    _fields: CaseInsensitiveDict[str] | None = None
    _caught = False
    _entered = False
    _verdict: Exception | bool | None = None
    _meta: dict[str, Any] | None = None

    def __init__(self, report: Callable[[Response], None], method: str, name: str, url: str) -> None:
        self._report = report
        self.method = method
        self.name = name
        """Under which Locust's statistics count it."""
        self.url = url

    def set_error(self, error: Exception) -> None:
        """Take *error* in place of an answer."""
        self.status_code, self.head, self.content, self._fields, self.error = 0, None, None, None, error

    @property
    def ok(self) -> bool:
        """Whether an answer came and its status is below 400."""
        return 0 < self.status_code < 400  # noqa: PLR2004 - HTTP

    @property
    def headers(self) -> CaseInsensitiveDict[str] | None:
        """The headers by name, in any case; repeated ones are joined by commas. None where no answer came."""
        if self._fields is None and self.head is not None:
            self._fields = CaseInsensitiveDict()
            for name, value in self.fields():
                self._fields[name] = f"{self._fields[name]}, {value}" if name in self._fields else value
        return self._fields

    def fields(self) -> list[tuple[str, str]]:
        """Return the headers as they came."""
        lines = (self.head or b"").decode("latin-1").split("\r\n")[1:]
        parts = (line.partition(":") for line in lines)
        return [(name.strip(), value.strip()) for name, _, value in parts]

    def header(self, name: str) -> str | None:
        """Return the value of one header, or None where the answer has none."""
        return None if self.headers is None else self.headers.get(name)

    @property
    def reason(self) -> str:
        """The words behind the status."""
        return (self.head or b"").partition(b"\r\n")[0][13:].decode("latin-1")

    @property
    def text(self) -> str | None:
        """The body as text, by the server's charset, else UTF-8; None where no answer came."""
        if self.content is None:
            return None
        encoding = self.encoding or get_encoding_from_headers(self.headers or CaseInsensitiveDict()) or "utf-8"
        try:
            codecs.lookup(encoding)
        except LookupError:
            encoding = "utf-8"
        return self.content.decode(encoding, errors="replace")

    def json(self) -> Any:
        """Return the parsed body; raises `json.JSONDecodeError`."""
        return json.loads(self.content if self.content is not None else b"")

    @property
    def elapsed(self) -> timedelta:
        """From the sending to the answer's last byte."""
        return timedelta(microseconds=(self.answered_ns - self.sent_ns) / 1e3)

    @property
    def response_ms(self) -> float:
        """From the intended time, where there is one, to the answer's last byte, ms."""
        return (self.answered_ns - (self.intended_ns or self.sent_ns)) / 1e6

    @property
    def request_meta(self) -> dict[str, Any]:
        """What Locust's request event will be told; entries that a user changes in a with-block count."""
        if self._meta is None:
            self._meta = self._facts()
        return self._meta

    @property
    def is_plain_success(self) -> bool:
        """Whether this is a success of which nobody has said anything of their own."""
        return self.error is None and self._verdict is None and self._meta is None

    def event(self) -> dict[str, Any]:
        """Return what Locust's request event is told."""
        # not kept here: objects that hold each other would wait for the garbage collector
        facts, self._meta = self._meta or self._facts(), None
        facts["exception"] = self.failure_reason()
        return facts

    def _facts(self) -> dict[str, Any]:
        return {
            "request_type": self.method,
            "name": self.name,
            "context": dict(self.context),
            "response": self,
            "exception": self.failure_reason(),
            "start_time": time.time() - (time.monotonic_ns() - self.sent_ns) / 1e9,
            "url": self.url,
            "response_length": len(self.content) if self.content else 0,
            "response_time": self.response_ms,
        }

    def failure_reason(self) -> Exception | None:
        """Return why this counts as failed, or None where it counts as a success."""
        if self._verdict is None:
            return self.error
        return self._verdict if isinstance(self._verdict, Exception) else None

    def raise_for_status(self) -> None:
        """Raise what made this no success."""
        reason = self.failure_reason()
        if reason is not None:
            raise reason

    def decode(self) -> None:
        """Undo the content encoding; raises `zlib.error`."""
        encoding = self.header("Content-Encoding") or ""
        content = self.content or b""
        for step in reversed([step.strip().lower() for step in encoding.split(",")]):
            if step in ("gzip", "x-gzip"):
                content = _inflate(content, 16 + zlib.MAX_WBITS)
            elif step == "deflate":
                try:
                    content = _inflate(content, zlib.MAX_WBITS)
                except zlib.error:  # some servers leave the wrapper out
                    content = _inflate(content, -zlib.MAX_WBITS)
        self.content = content

    # catch_response

    def caught(self) -> Self:
        """Leave the report to the end of the with-block."""
        self._caught = True
        return self

    def __enter__(self) -> Self:
        if not self._caught:
            raise LocustError("in order to use a with-block for requests, pass catch_response=True")
        self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Report the request; an error in the block goes on, but for Locust's `ResponseError`, and is not reported."""
        if self._verdict is None and error is not None:
            if not isinstance(error, ResponseError):
                return False
            self._verdict = error
            error = None
        self._report(self)
        return error is None

    def success(self) -> None:
        """Count this as a success, whatever the status."""
        if not self._entered:
            raise LocustError(_NOT_ENTERED)
        self._verdict = True

    def failure(self, reason: Any) -> None:
        """Count this as failed, for *reason*: an exception, or words."""
        if not self._entered:
            raise LocustError(_NOT_ENTERED)
        self._verdict = reason if isinstance(reason, Exception) else CatchResponseError(reason)


def _inflate(content: bytes, window: int) -> bytes:
    if not content:
        return content
    inflater = zlib.decompressobj(window)
    plain = inflater.decompress(content) + inflater.flush()
    if not inflater.eof:
        raise zlib.error("the compressed body ends too early")
    return plain

"""Everything that the service answers instead of success, as RFC 9457 problem documents.

Problem
 ├─ MalformedRequest      400  no HTTP that this service takes
 ├─ MalformedBody         400  the body is not JSON
 ├─ Unauthenticated       401  no key, or none that is valid
 ├─ Forbidden             403  a key for something else
 ├─ NotFound              404  no such path or record
 ├─ MethodNotAllowed      405  the path exists, the method does not
 ├─ RequestTimeout        408  the request did not arrive in time
 ├─ Conflict              409  the id is taken by a record with other content
 ├─ BodyTooLarge          413  more bytes than the limit
 ├─ UnsupportedMediaType  415  not application/json
 ├─ UnusableRecord        422  JSON, but no record that can be stored
 ├─ UnusableParameter     422  an id or a number of a read that cannot be one
 ├─ HeadTooLarge          431  more bytes before the body than the limit
 ├─ InternalProblem       500  a fault of the service
 └─ Unavailable           503  overloaded, or a dependency is down or absent
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import msgspec

from api.answers import Answer, ready

MEDIA_TYPE = "application/problem+json"
_CONTENT_TYPE = (b"content-type", MEDIA_TYPE.encode())
_encode = msgspec.json.Encoder().encode


class Flaw(msgspec.Struct, frozen=True):
    """One thing that is wrong with a record, and where (JSON pointer, RFC 6901)."""

    pointer: str
    detail: str


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error (RFC 9457); `type` is stable, `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Flaw] = []
    outcome: str | None = None


class Problem(Exception):
    """Something that ends in a problem document; details never repeat what the client sent."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def document(self) -> ProblemDocument:
        """Return what the client reads."""
        return ProblemDocument(**self._members())

    def answer(self) -> Answer:
        """Return the answer that carries the document."""
        return Answer(self.status, _encode(self.document()), (_CONTENT_TYPE, *self._headers()))

    def _members(self) -> dict[str, Any]:
        kind = f"urn:seawall:problem:{self.kind}"
        return {"type": kind, "title": self.title, "status": self.status, "detail": self.detail}

    def _headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return ()


class MalformedRequest(Problem):
    """What came is no HTTP request, or one that can be understood in two ways."""

    status, kind, title = 400, "malformed-request", "The request is malformed"

    def __init__(self) -> None:
        super().__init__("this is no request that is understood here; send HTTP/1.1")


class Unauthenticated(Problem):
    """There is no key, or none that is valid."""

    status, kind, title = 401, "unauthenticated", "A valid key is needed"

    def _headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"www-authenticate", b"Bearer"),)


class Forbidden(Problem):
    """The key is valid, but not for this."""

    status, kind, title = 403, "forbidden", "The key does not allow this"

    def __init__(self, scope: str) -> None:
        super().__init__(f"a key with the scope `{scope}` is needed")


class MalformedBody(Problem):
    """The body is not JSON."""

    status, kind, title = 400, "malformed-body", "The body is not valid JSON"


class NotFound(Problem):
    """Nothing is stored under this path."""

    status, kind, title = 404, "not-found", "Not found"

    def _headers(self) -> tuple[tuple[bytes, bytes], ...]:
        # a cache in front must not keep what may exist a moment later
        return ((b"cache-control", b"no-store"),)


class MethodNotAllowed(Problem):
    """The path exists, but not for this method."""

    status, kind, title = 405, "method-not-allowed", "Method not allowed"

    def __init__(self, detail: str, allow: str = "") -> None:
        super().__init__(detail)
        self.allow = allow

    def _headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"allow", self.allow.encode()),) if self.allow else ()


class RequestTimeout(Problem):
    """The request did not arrive in time."""

    status, kind, title = 408, "request-timeout", "The request did not arrive in time"

    def __init__(self, within_s: float) -> None:
        super().__init__(f"a request has to arrive within {within_s:g} s")


class Conflict(Problem):
    """The id is taken by a record with other content."""

    status, kind, title = 409, "conflict", "The id is taken"

    def __init__(self) -> None:
        super().__init__("a record with this id and other content is stored already; mint a new id")


class BodyTooLarge(Problem):
    """The body is larger than the limit."""

    status, kind, title = 413, "body-too-large", "The body is too large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the body may have at most {limit_bytes} bytes")


class UnsupportedMediaType(Problem):
    """The body is not declared as JSON."""

    status, kind, title = 415, "unsupported-media-type", "The media type is not supported"

    def __init__(self) -> None:
        super().__init__("send the record as application/json in UTF-8")


class UnusableRecord(Problem):
    """The body is JSON, but no record that can be stored."""

    status, kind, title = 422, "unusable-record", "The record cannot be stored"

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(f"{reason} (at {pointer})" if pointer else reason)
        self.flaw = Flaw(pointer, reason)

    def _members(self) -> dict[str, Any]:
        return {**super()._members(), "errors": [self.flaw]}


class UnusableParameter(Problem):
    """Something in the path or the query cannot be what it should be."""

    status, kind, title = 422, "unusable-parameter", "A parameter cannot be used"


class HeadTooLarge(Problem):
    """Request line and headers are larger than the limit."""

    status, kind, title = 431, "head-too-large", "The head of the request is too large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"request line and headers may have at most {limit_bytes} bytes together")


class InternalProblem(Problem):
    """A fault of the service; the log knows more."""

    def __init__(self) -> None:
        super().__init__("the service failed; the outcome of a write is unknown, the same record may be sent again")

    def _members(self) -> dict[str, Any]:
        return {**super()._members(), "outcome": "unknown"}


class Unavailable(Problem):
    """The service cannot do this now; *outcome_unknown* where the record may be stored all the same."""

    status, kind, title = 503, "unavailable", "The service is unavailable"

    def __init__(self, detail: str, *, retry_after_s: float = 1.0, outcome_unknown: bool = False) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.outcome_unknown = outcome_unknown

    def _members(self) -> dict[str, Any]:
        return {**super()._members(), "outcome": "unknown" if self.outcome_unknown else "not-stored"}

    def _headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"retry-after", b"%d" % max(1, math.ceil(self.retry_after_s))),)


CROWDED = ready(Unavailable("more requests come than this process can serve").answer())
"""Made once, since there may be many."""

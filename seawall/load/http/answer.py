"""Finds where an answer ends: a look-up for the plain case, a real parser for everything else.

Plain is an HTTP/1.1 answer of a stated length that keeps the connection and is not encoded. Servers repeat such heads
byte for byte, so each is understood once and then recognised.
"""

from __future__ import annotations

import httptools

HEAD_END = b"\r\n\r\n"
_MOST_HEADS = 512
_NO_BODY = (204, 304)
_LARGEST_HEAD_BYTES = 256 * 1024
_plain_heads: dict[bytes, tuple[int, int] | None] = {}


class BrokenAnswer(ConnectionError):
    """What came is no whole answer: garbage, or an end in the middle."""


def plain_head(head: bytes) -> tuple[int, int] | None:
    """Return status and length of the body that a plain *head* announces, or None where it is not plain.

    *head* stands before the empty line. A request by HEAD is never plain.
    """
    try:
        return _plain_heads[head]
    except KeyError:
        pass
    found = _understand(head)
    if len(_plain_heads) >= _MOST_HEADS:
        _plain_heads.clear()
    _plain_heads[head] = found
    return found


def _understand(head: bytes) -> tuple[int, int] | None:
    first, *lines = head.split(b"\r\n")
    status = first[9:12]
    if first[:9] != b"HTTP/1.1 " or not status.isdigit() or first[12:13] not in (b" ", b"") or status[:1] == b"1":
        return None
    length: int | None = None
    for line in lines:
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or not name.strip() or line[:1] in b" \t" or b"\n" in line or b"\r" in line:
            return None
        if name == b"content-length":
            value = value.strip()
            if length is not None or not value.isdigit():
                return None
            length = int(value)
        elif name in (b"transfer-encoding", b"connection", b"content-encoding", b"upgrade"):
            return None
    if length is None or int(status) in _NO_BODY:
        return None
    return int(status), length


class AnswerParser:
    """Reads one answer, interim ones before it included, with llhttp, the parser of Node.js."""

    def __init__(self, *, to_head: bool) -> None:
        """*to_head*: the answer is to a HEAD request, and so ends with its head."""
        self._to_head = to_head
        self._parser = httptools.HttpResponseParser(self)
        self._fields: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._body: list[bytes] = []
        self._began = False
        self._in_body = False
        self._unread = 0
        self.status = 0
        self.done = False
        """The answer is whole."""
        self.keeps = False
        """The connection can take another request."""

    @property
    def head(self) -> bytes:
        """The status line and the headers, as `plain_head` takes them."""
        fields = b"".join(b"\r\n%b: %b" % field for field in self._fields)
        return b"HTTP/1.1 %d %b%b" % (self.status, self._reason, fields)

    @property
    def body(self) -> bytes:
        """The body without its transfer encoding."""
        return b"".join(self._body)

    def feed(self, data: bytes) -> None:
        """Take the bytes that came, b"" for the end of the connection; raises `BrokenAnswer`."""
        if not data:
            self._end()
            return
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.status, self.keeps, self.done = self.status or 101, False, True
        except httptools.HttpParserError as error:
            if not self.done:  # behind a whole answer, anything only costs the connection
                raise BrokenAnswer(f"the answer is not HTTP: {error}") from None
            self.keeps = False
        if not self.status and self._unread > _LARGEST_HEAD_BYTES:
            raise BrokenAnswer(f"no end of the head within {_LARGEST_HEAD_BYTES} bytes")

    def _end(self) -> None:
        if self.done:
            return
        if self._in_body and not self._has(b"content-length") and not self._has(b"transfer-encoding"):
            self.done = True  # HTTP/1.0's way of ending a body
            return
        raise BrokenAnswer(
            "the server closed the connection " + ("before the answer's end" if self._began else "before it answered")
        )

    def _has(self, name: bytes) -> bool:
        return any(field.lower() == name for field, _ in self._fields)

    # called by the parser

    def on_message_begin(self) -> None:
        """Note that something comes; after a whole answer nobody asked for it."""
        if self.done:
            self.keeps = False
        self._began = True

    def on_status(self, reason: bytes) -> None:
        """Keep the reason, of which parts may come."""
        if not self.done:
            self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, or a trailer."""
        if not self.done:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Note the status; an answer to HEAD ends here."""
        if self.done:
            return
        self.status = self._parser.get_status_code()
        self._in_body = True
        if self._to_head and self.status >= 200:  # noqa: PLR2004 - interim answers are below
            self.keeps = self._parser.should_keep_alive()
            self.done = True

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        if self.done:
            self.keeps = False
        else:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """End with the final answer, or begin anew behind an interim one."""
        if self.done:
            return
        if 100 <= self.status < 200 and self.status != 101:  # noqa: PLR2004 - interim, but for a switch of protocols
            self.status, self._reason, self._in_body = 0, b"", False
            self._fields.clear()
            self._unread = 0
            return
        self.keeps = self._parser.should_keep_alive()
        self.done = True

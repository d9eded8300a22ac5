"""What no HTTP client would send, by name: each with the statuses that may answer it."""

from __future__ import annotations

from typing import NamedTuple

LARGEST_HEAD, LARGEST_BODY = 16 * 1024, 256 * 1024
"""Bytes, as the service has them by default."""
CLOSED = 0
"""Stands for a connection that is closed without an answer."""


class Attack(NamedTuple):
    """Bytes, and what may come of them."""

    sent: bytes
    allowed: frozenset[int]

    @property
    def waits(self) -> bool:
        """Whether the service may have to wait for more, and so take its time."""
        return 408 in self.allowed  # noqa: PLR2004 - HTTP


def _attack(sent: bytes, *allowed: int) -> Attack:
    return Attack(sent, frozenset(allowed))


def attacks(key: str, record: bytes, other: bytes) -> dict[str, Attack]:
    """Return attacks on the connection by their names; *record* and *other* would be stored if they got through.

    Where one of two requests in an attack is refused, the other must not be served: both bodies are watched.
    """
    auth = f"Authorization: Bearer {key}\r\n".encode()
    start = b"POST /v1/grouped/users HTTP/1.1\r\nHost: a\r\n" + auth
    json = b"Content-Type: application/json\r\n"
    size = len(record)
    smuggled = b"POST /v1/grouped/users HTTP/1.1\r\nHost: a\r\n%b%bContent-Length: %d\r\n\r\n%b" % (
        auth, json, len(other), other,
    )  # fmt: skip

    def post(*lines: bytes, body: bytes = record, media: bytes = json) -> bytes:
        return start + media + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body

    def chunked(chunks: bytes) -> bytes:
        return post(b"Transfer-Encoding: chunked", body=chunks)

    def get(target: bytes, *lines: bytes) -> bytes:
        return b"GET %b HTTP/1.1\r\nHost: a\r\n%b%b\r\n" % (target, auth, b"".join(line + b"\r\n" for line in lines))

    length = b"Content-Length: %d" % size
    return {
        # two ways to tell where a request ends
        "length and chunks": _attack(
            post(length, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + smuggled), 400, CLOSED
        ),
        "chunks and length": _attack(
            post(b"Transfer-Encoding: chunked", length, body=b"0\r\n\r\n" + smuggled), 400, CLOSED
        ),
        "two lengths": _attack(post(length, b"Content-Length: 0", body=smuggled), 400, CLOSED),
        "two lengths in one": _attack(post(b"Content-Length: %d, 0" % size, body=smuggled), 400, CLOSED),
        "length with a sign": _attack(post(b"Content-Length: +%d" % size), 400, CLOSED),
        "length below zero": _attack(post(b"Content-Length: -1", body=smuggled), 400, CLOSED),
        "length in hexadecimal": _attack(post(b"Content-Length: 0x10"), 400, CLOSED),
        "length beyond 64 bits": _attack(post(b"Content-Length: 99999999999999999999999"), 400, 413, CLOSED),
        "length of a gigabyte": _attack(post(b"Content-Length: 1073741824"), 413),
        "length in Arabic digits": _attack(post("Content-Length: ٤".encode()), 400, CLOSED),
        "chunked by another name": _attack(
            post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + smuggled), 400, CLOSED
        ),
        "chunked, then something": _attack(
            post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + smuggled), 400, CLOSED
        ),
        "chunked twice": _attack(
            post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + smuggled),
            400,
            CLOSED,
        ),
        "a space before the colon": _attack(
            post(b"Transfer-Encoding : chunked", length, body=b"0\r\n\r\n" + smuggled), 400, CLOSED
        ),
        "a tab in the name": _attack(post(b"Transfer-\tEncoding: chunked", length), 400, CLOSED),
        "a folded header": _attack(post(b"X: a\r\n b", length), 400, CLOSED),
        "a bare line feed": _attack(post(length + b"\nX: y"), 400, CLOSED),
        "a bare carriage return": _attack(post(b"X: a\rTransfer-Encoding: chunked", length), 400, CLOSED),
        "a NUL in a header": _attack(post(b"X: a\x00b", length), 400, CLOSED),
        "a header without a name": _attack(post(b": value", length), 400, CLOSED),
        "chunks in HTTP/1.0": _attack(
            post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + smuggled).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
            400,
            415,
            422,
            CLOSED,
        ),
        # chunks
        "a chunk without a size": _attack(chunked(b"\r\nabc\r\n0\r\n\r\n"), 400, CLOSED),
        "a chunk of no number": _attack(chunked(b"zz\r\nabc\r\n0\r\n\r\n"), 400, CLOSED),
        "a chunk below zero": _attack(chunked(b"-1\r\nabc\r\n0\r\n\r\n"), 400, CLOSED),
        "a chunk of 0x size": _attack(chunked(b"0x3\r\nabc\r\n0\r\n\r\n"), 400, CLOSED),
        "a chunk beyond 64 bits": _attack(chunked(b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400, CLOSED),
        "a chunk longer than it says": _attack(chunked(b"1\r\nabc\r\n0\r\n\r\n"), 400, CLOSED),
        "chunks without end": _attack(chunked(b"3\r\nabc\r\n"), 400, 408, CLOSED),
        "more chunks than allowed": _attack(chunked(b"1000\r\n%b\r\n" % (b"x" * 4096) * 70), 413),
        "a long chunk extension": _attack(
            chunked(b"%x;%b\r\n%b\r\n0\r\n\r\n" % (size, b"e" * 60_000, record)), 201, 400, 431, CLOSED
        ),
        "trailers without end": _attack(
            chunked(b"%x\r\n%b\r\n0\r\n" % (size, record) + b"T: t\r\n" * 20_000), 400, 408, 431, CLOSED
        ),
        # heads
        "a huge header": _attack(post(b"X: " + b"a" * 200_000, length), 431, CLOSED),
        "a header larger than allowed": _attack(post(b"X: " + b"a" * LARGEST_HEAD, length), 431, CLOSED),
        "many headers": _attack(post(*[b"X-%d: a" % number for number in range(20_000)], length), 431, CLOSED),
        "a huge target": _attack(get(b"/" + b"a" * 200_000), 400, 431, CLOSED),
        "a head without end": _attack(start + b"X: y\r\n", 408, CLOSED),
        "a name without end": _attack(start + b"X" * 50_000, 400, 431, CLOSED),
        "no request line": _attack(b"\r\n" * 50 + b"\x00\r\n\r\n", 400, CLOSED),
        "an unknown method": _attack(get(b"/livez").replace(b"GET", b"GRAB", 1), 400, CLOSED),
        "another version": _attack(get(b"/livez").replace(b"HTTP/1.1", b"HTTP/3.7", 1), 400, CLOSED),
        "no version": _attack(b"GET /livez\r\n\r\n", 400, CLOSED),
        "HTTP/2": _attack(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, CLOSED),
        "TLS": _attack(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500, 400, CLOSED),
        "noise": _attack(bytes(range(256)) * 40, 400, CLOSED),
        "an SSH client": _attack(b"SSH-2.0-OpenSSH_9.7\r\n\r\n", 400, CLOSED),
        "CONNECT": _attack(b"CONNECT example.org:443 HTTP/1.1\r\nHost: a\r\n%b\r\n" % auth, 400, 403, 404, 405, CLOSED),
        "TRACE": _attack(get(b"/livez").replace(b"GET", b"TRACE", 1), 403, 405),
        "an absolute target": _attack(get(b"http://example.org/livez"), 200, 400, 404),
        "a target that is none": _attack(get(b"*"), 400, 404, CLOSED),
        "a path upwards": _attack(get(b"/v1/../../../../etc/passwd"), 404),
        "a path upwards in disguise": _attack(get(b"/v1/%2e%2e/%2e%2e/etc/passwd"), 404),
        "a NUL in the path": _attack(get(b"/v1/users/%00"), 404, 422),
        "no UTF-8 in the path": _attack(get(b"/v1/users/%ff%fe"), 404, 422),
        "bytes above 127 in the path": _attack(get(b"/v1/users/\xff\xfe"), 400, 404, 422, CLOSED),
        "no UTF-8 in the query": _attack(get(b"/v1/analytics/top-products?limit=%ff"), 422),
        "a limit of many digits": _attack(get(b"/v1/analytics/top-products?limit=" + b"9" * 5_000), 422),
        "an upgrade": _attack(
            get(b"/v1/users/x", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x"), 422
        ),
        "an HTTP/2 upgrade": _attack(get(b"/v1/users/x", b"Connection: Upgrade", b"Upgrade: h2c"), 422),
        "an upgrade with a body that is a request": _attack(
            post(b"Connection: Upgrade", b"Upgrade: foo", b"Content-Length: %d" % len(smuggled), body=smuggled),
            400,
            CLOSED,
        ),
        "an upgrade in chunks": _attack(
            post(b"Connection: Upgrade", b"Upgrade: foo", b"Transfer-Encoding: chunked", body=smuggled), 400, CLOSED
        ),
        "an upgrade and a request behind it": _attack(
            get(b"/v1/users/x", b"Connection: Upgrade", b"Upgrade: foo") + smuggled, 422, CLOSED
        ),
        "a key in a trailer": _attack(
            chunked(b"%x\r\n%b\r\n0\r\n%b\r\n" % (size, record, auth)).replace(auth, b"", 1), 401
        ),
        "a trailer without end": _attack(
            chunked(b"%x\r\n%b\r\n0\r\nX: " % (size, record) + b"a" * (5 * LARGEST_BODY)), 201, 408, 413, CLOSED
        ),
        "expects what is not known": _attack(post(b"Expect: the-unexpected", length, body=b""), 400, 408, 417, CLOSED),
        "a body that was not announced": _attack(get(b"/livez") + b"garbage", 200, CLOSED),
        "a body for GET": _attack(get(b"/v1/users/x", b"Content-Length: 5") + b"12345", 422),
        # bodies
        "nothing": _attack(post(b"Content-Length: 0", body=b""), 400, 422),
        "no media type": _attack(post(length, media=b""), 415),
        "another media type": _attack(post(length, media=b"Content-Type: text/xml\r\n"), 415),
        "another character set": _attack(
            post(length, media=b"Content-Type: application/json; charset=utf-16\r\n"), 415
        ),
        "compressed": _attack(
            post(b"Content-Encoding: gzip", b"Content-Length: 4", body=b"\x1f\x8b\x08\x00"), 400, 415
        ),
        **{
            name: _attack(post(b"Content-Length: %d" % len(body), body=body), 400, 413, 422)
            for name, body in bodies(record).items()
        },
    }


def bodies(record: bytes) -> dict[str, bytes]:
    """Return bodies that are no record of a user, by their names; *record* is one."""

    def with_name(text: bytes) -> bytes:
        before, _, rest = record.partition(b'"name":"')
        return before + b'"name":' + text + rest[rest.index(b'"') + 1 :]

    return {
        "not JSON": b"name=x",
        "half of it": record[: len(record) // 2],
        "twice": record + record,
        "a deep array": b"[" * 50_000,
        "a deep object": b'{"a":' * 10_000,
        "a deep array in a field": with_name(b"[" * 20_000 + b"]" * 20_000),
        "a deep array in an unknown field": record[:-1] + b',"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        "not a number": with_name(b"NaN"),
        "without end": with_name(b"Infinity"),
        "a big number": record.replace(b'"age":', b'"age":1' + b"0" * 5_000, 1),
        "a big exponent": record.replace(b'"age":', b'"age":1e999999', 1),
        "a number below zero": record.replace(b'"age":', b'"age":-', 1),
        "a fraction": record.replace(b'"age":', b'"age":0.5', 1),
        "a long string": with_name(b'"' + b"x" * 60_000 + b'"'),
        "larger than allowed": with_name(b'"' + b"x" * (LARGEST_BODY + 1) + b'"'),
        "half a character": with_name(b'"\\ud800"'),
        "no UTF-8": with_name(b'"\xff\xfe"'),
        "an overlong slash": with_name(b'"\xc0\xaf"'),
        "a NUL": with_name(b'"a\\u0000b"'),
        "a control character": with_name(b'"a\nb"'),
        "UTF-16": record.decode().encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + record,
        "an array": b"[" + record + b"]",
        "null": b"null",
        "no UUID": record[:7] + b"x" * 36 + record[43:],
        "an unknown field": record[:-1] + b',"admin":true}',
    }

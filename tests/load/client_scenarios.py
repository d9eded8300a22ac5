"""Runs the client against a server of many habits and prints what came of each scenario as JSON.

A process of its own, since Locust patches the standard library when it is imported: ``python client_scenarios.py DIR``,
where DIR holds a key and a certificate.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.server import StreamServer
from locust.exception import LocustError

from seawall.load.http.client import Client
from seawall.load.http.response import Response

BIG = b"x" * 3_000_000
FOUND: dict[str, Any] = {}


def answer(body: bytes = b"ok", status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class Server:
    """Answers by path, and remembers what it was sent."""

    def __init__(self, **tls: Any) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self._server = StreamServer(("127.0.0.1", 0), self._handle, **tls)
        self._server.start()
        self.port = self._server.server_port
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def _handle(self, sock: Any, _: Any) -> None:
        self.connections += 1
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                data = sock.recv(65536)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _version = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            seen: dict[str, Any] = {"method": method, "target": target, "headers": headers, "body": ""}
            self.requests.append(seen)
            if target == "/refuses-early":
                sock.sendall(answer(b"too large", "413 Content Too Large", "Connection: close"))
                sock.shutdown(socket.SHUT_WR)
                gevent.sleep(0.05)
                return
            missing = int(headers.get("content-length", 0)) - len(buffer)
            while missing > 0:
                if target == "/reads-slowly":
                    gevent.sleep(0.002)
                data = sock.recv(65536)
                if not data:
                    return
                buffer += data
                missing -= len(data)
            body, buffer = buffer, b""
            seen["body"] = body[:200].decode("latin-1")
            seen["length"] = len(body)
            if not self._answer(sock, method, target):
                return

    def _answer(self, sock: Any, method: str, target: str) -> bool:
        """Answer one request, and return whether the connection goes on."""
        path = target.partition("?")[0]
        if path == "/resets":
            # closing with a lingering time of 0 sends a reset
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            return False
        if path == "/hangs":
            gevent.sleep(3)
            return False
        if path == "/closes-later":
            sock.sendall(answer())
            return False
        page = PAGES.get(path, answer())
        sock.sendall(page.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else page)
        return True


def chunked(body: bytes) -> bytes:
    """Return *body* in chunks, with a trailer."""
    parts = [
        b"%x\r\n%b\r\n" % (len(part), part) for part in (body[i : i + 70_000] for i in range(0, len(body), 70_000))
    ]
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(parts) + b"0\r\nX-Sum: 1\r\n\r\n"


PAGES: dict[str, Any] = {
    "/missing": answer(b"no", "404 Not Found"),
    "/to-get": answer(b"", "303 See Other", "Location: /landed?x=1"),
    "/to-post": answer(b"", "307 Temporary Redirect", "Location: /landed"),
    "/round": answer(b"", "302 Found", "Location: /round"),
    "/nowhere": answer(b"", "302 Found", "Location: ftp://elsewhere/"),
    "/sets-cookie": answer(b"ok", "200 OK", "Set-Cookie: session=abc; Path=/", "set-cookie: theme=dark; Path=/shop"),
    "/gzip": answer(gzip.compress(b"packed"), "200 OK", "Content-Encoding: gzip"),
    "/deflate": answer(zlib.compress(b"packed"), "200 OK", "Content-Encoding: deflate"),
    "/bad-gzip": answer(gzip.compress(b"packed")[:-4], "200 OK", "Content-Encoding: gzip"),
    "/json": answer(b'{"a": "\xc3\xa9"}', "200 OK", "Content-Type: application/json"),
    "/latin": answer(b"\xe9", "200 OK", "Content-Type: text/plain; charset=latin-1"),
    "/big": answer(BIG),
    "/big-chunks": chunked(BIG),
    "/too-much": answer() + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
    "/repeated": answer(b"ok", "200 OK", "X-A: 1", "x-a: 2"),
}


def client_of(server: Server, **options: Any) -> tuple[Client, list[Response]]:
    """Return a client and the list to which it reports."""
    reported: list[Response] = []
    named = {"connect_s": 2.0, "answer_s": 0.5, "most_redirects": 3, **options}
    return Client(
        options.pop("base_url", server.url), reported.append, **{k: v for k, v in named.items() if k != "base_url"}
    ), reported


def told(response: Response) -> list[Any]:
    """Return what matters of a response."""
    reason = response.failure_reason()
    return [
        response.status_code,
        (response.content or b"")[:40].decode("latin-1"),
        type(reason).__name__ if reason else None,
    ]


def scenario(function: Callable[[], Any]) -> None:
    """Run *function* and keep what it returns under its name."""
    FOUND[function.__name__] = function()


def redirects() -> Any:
    """Follow redirects as browsers do, and count each request once."""
    server, other = Server(), Server()
    PAGES["/away"] = answer(b"", "302 Found", f"Location: {other.url}/landed")
    client, reported = client_of(server, base_url=server.url.replace("//", "//me:secret@"))
    results = [
        told(client.post("/to-get", data=b"body", headers={"Content-Type": "text/plain"})),
        told(client.post("/to-post", data=b"body")),
        told(client.get("/round")),
        told(client.get("/nowhere")),
        told(client.get("/away")),
        told(client.get("/to-get", allow_redirects=False)),
    ]
    landed = [[r["method"], r["target"], r["body"]] for r in server.requests if r["target"].startswith("/landed")]
    return {
        "results": results,
        "landed": landed,
        "rounds": sum(r["target"] == "/round" for r in server.requests),
        "secret_here": server.requests[0]["headers"].get("authorization"),
        "secret_there": other.requests[0]["headers"].get("authorization"),
        "reports": [[r.method, r.name] for r in reported],
    }


def cookies() -> Any:
    """Send back what was set, where it belongs."""
    server = Server()
    client, _ = client_of(server)
    for path in ("/x", "/sets-cookie", "/x", "/shop/y"):
        client.get(path)
    stranger, _ = client_of(server)
    stranger.get("/x")
    return [r["headers"].get("cookie") for r in server.requests]


def encodings() -> Any:
    """Undo content encodings."""
    client, _ = client_of(Server())
    return {path: told(client.get(path)) for path in ("/gzip", "/deflate", "/bad-gzip")} | {
        "text": [client.get("/json").json(), client.get("/latin").text, client.get("/repeated").headers["X-a"]]  # type: ignore[index]
    }


def what_is_sent() -> Any:
    """Build bodies, addresses and headers."""
    server = Server()
    client, _ = client_of(server, base_url=server.url + "/base/", default_headers={"X-Default": "1", "Accept": "a/b"})
    client.post("/p", json={"a": 1})
    client.post("/p", data={"a": "1 2", "b": ["x", "y"]})
    client.post("/p", data="é")
    client.get("/p q/é", params={"a": "ü", "b": [1, 2]})
    client.get("?q=1#part")
    client.get(server.url + "/whole")
    client.post("/p", headers={"accept": "c/d", "Content-Length": "99"})
    client.get("/p", auth=("me", "secret"))
    refused = []
    for headers in ({"X": "a\r\nY: b"}, {"X\n": "a"}, {"Transfer-Encoding": "chunked"}, {"X": "\u20ac"}):
        try:
            client.get("/p", headers=headers)
        except ValueError as error:
            refused.append(str(error))
    for url in ("http://", "http://[::1", "http://127.0.0.1:99999/"):
        try:
            client.get(url)
        except ValueError as error:
            refused.append(str(error))
    return {"requests": server.requests, "refused": refused}


def habits() -> Any:
    """Keep Locust's habits: names, with-blocks, verdicts of the user's own."""
    client, reported = client_of(Server())
    with client.get("/missing", catch_response=True, name="gone") as response:
        response.success()
    with client.get("/ok", catch_response=True, context={"a": 1}) as response:
        response.failure("not what was wanted")
    with client.rename_request("renamed"):
        client.get("/ok")
    with contextlib.suppress(KeyError), client.get("/ok", catch_response=True):
        raise KeyError
    with client.get("/ok", catch_response=True) as response:
        response.request_meta["name"] = "changed"
    events = [response.event() for response in reported]
    complaints = []
    for misuse in (lambda: client.get("/ok").success(), lambda: client.get("/ok").__enter__()):
        try:
            misuse()
        except LocustError as error:
            complaints.append(type(error).__name__)
    return {
        "events": [[e["name"], str(e["exception"]) if e["exception"] else None, e["response_length"]] for e in events],
        "keys": sorted(events[0]),
        "context": reported[1].context,
        "complaints": complaints,
    }


def large() -> Any:
    """Move bodies that no buffer holds at once, in both directions."""
    server = Server()
    client, _ = client_of(server)
    up = told(client.post("/reads-slowly", data=BIG))
    refused = told(client.post("/refuses-early", data=BIG * 4))
    down = [len(client.get(path).content or b"") for path in ("/big", "/big-chunks")]
    return {
        "up": up,
        "uploaded": server.requests[0]["length"],
        "refused": refused,
        "down": down,
        "after": told(client.get("/x")),
    }


def ends() -> Any:
    """Notice connections that end, in every way that they can."""
    server = Server()
    client, _ = client_of(server)
    found: dict[str, Any] = {}
    for path in ("/resets", "/hangs", "/too-much", "/x", "/closes-later"):
        found[path] = told(client.get(path))
    gevent.sleep(0.1)
    found["after the close"] = told(client.get("/x"))
    found["connections"] = server.connections
    unused = socket.socket()
    unused.bind(("127.0.0.1", 0))
    nobody, _ = client_of(server, base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
    found["nobody there"] = told(nobody.get("/x"))
    head, _ = client_of(server)
    before = server.connections
    found["head"] = [told(head.head("/big")), told(head.get("/x")), server.connections - before]
    return found


def killed() -> Any:
    """Tell of a request whose user was ended before its answer, and of nothing else."""
    abandoned: list[Response] = []
    client, reported = client_of(Server(), abandon=abandoned.append)
    user = gevent.spawn(client.get, "/hangs")
    gevent.sleep(0.1)
    user.kill()
    return [
        len(reported),
        [[r.method, r.name, 0 < r.sent_ns < r.answered_ns] for r in abandoned],
        told(client.get("/x")),
    ]


def side_by_side() -> Any:
    """Let two greenlets of one user send at the same time, over a connection each."""
    server = Server()
    client, _ = client_of(server)
    jobs = [gevent.spawn(client.get, path) for path in ("/big", "/big-chunks", "/x")]
    gevent.joinall(jobs)
    return [[len(job.value.content) for job in jobs], server.connections]


def tls() -> Any:
    """Do the same through TLS."""
    place = Path(sys.argv[1])
    server = Server(keyfile=str(place / "key.pem"), certfile=str(place / "certificate.pem"))
    client, _ = client_of(server, answer_s=2.0)
    results = [told(client.get("/x")), told(client.post("/reads-slowly", data=BIG)), told(client.get("/sets-cookie"))]
    sizes = [len(client.get(path).content or b"") for path in ("/big", "/big-chunks")]
    connections = server.connections
    other, _ = client_of(server)
    other.get("/x")
    contexts = {id(c._context) for who in (client, other) for idle in who._idle.values() for c in idle}
    strict, _ = client_of(server, insecure=False)
    context = ssl.create_default_context(cafile=str(place / "certificate.pem"))
    known, _ = client_of(server, ssl_context=context)
    plain, _ = client_of(server, base_url=server.url.replace("https", "http"))
    return {
        "results": results, "sizes": sizes, "connections": connections, "contexts": len(contexts),
        "strict": told(strict.get("/x")), "known": told(known.get("/x")), "plain": told(plain.get("/x"))[2],
        "hangs": told(client.get("/hangs")), "resets": told(client.get("/resets"))[0],
    }  # fmt: skip


def main() -> None:
    """Run all scenarios."""
    for function in (redirects, cookies, encodings, what_is_sent, habits, large, ends, killed, side_by_side, tls):
        scenario(function)
    print(json.dumps(FOUND))


if __name__ == "__main__":
    main()

"""Keep-alive connections with more than 1,024 open files."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, seawall.load.users
from gevent.server import StreamServer
from locust import events
from locust.contrib.fasthttp import FastHttpSession
accepted = []
def handle(sock, _):
    accepted.append(1)
    while sock.recv(65536):
        sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
server = StreamServer(("127.0.0.1", 0), handle)
server.start()
files = [os.dup(0) for _ in range(1_100)]
session = FastHttpSession(f"http://127.0.0.1:{server.server_port}", events.request, None)
for _ in range(10):
    assert session.get("/").status_code == 200
print(len(accepted))
"""


def test_ten_requests_take_one_connection_whatever_its_file_number() -> None:
    """With 1,100 files open the client still keeps its connection."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["1"]

"""What `benchmarks.api` and `benchmarks.api_choices` share: a stack, servers on one core, and the load on another."""

from __future__ import annotations

import http.client
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from benchmarks.api_load import ApiLoad, ApiSeen
from benchmarks.errors import ProcessFailed
from benchmarks.measuring_process import ask
from benchmarks.server_process import ServerProcess, running
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

SERVER_CORE = min(os.sched_getaffinity(0))
WARMUP_S = 1.0
PATIENT = {
    f"SEAWALL_{name}_LONGEST{what}_MS": "60000" for name, what in (("QUEUE", ""), ("LOOP", ""), ("KAFKA", "_ACK"))
}
"""A saturated server would refuse some; what is asked is what those cost that it serves."""
_READY_S = 20.0


class Runs:
    """The runs of one server."""

    def __init__(self) -> None:
        self.seen: list[ApiSeen] = []

    def add(self, seen: ApiSeen) -> None:
        """Keep one more."""
        self.seen.append(seen)

    @property
    def per_core_s(self) -> list[float]:
        """Requests for a second of processor time, a figure a run."""
        return [seen.requests / seen.cpu_s for seen in self.seen]

    @property
    def median_per_core_s(self) -> float:
        """The median of `per_core_s`."""
        return float(np.median(self.per_core_s))

    @property
    def busy(self) -> float:
        """How much of its core the server used, the median of the runs."""
        return float(np.median([seen.cpu_s / seen.seconds for seen in self.seen]))


@contextmanager
def own_stack(owner: str, *, kafka: bool = True) -> Iterator[Stack]:
    """Run a stack without sinks, whose addresses stand in the environment of every process that is started in it."""
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-api-") as directory:
        os.environ["SEAWALL_HOME"] = str(Path(directory) / "home")
        try:
            stack = Stack.up(StackOptions(sinks=0, kafka=kafka), owner=owner)
            try:
                os.environ.update(stack.connections.environment())
                # ours asks for keys in every measurement; what it is compared with does not
                os.environ["SEAWALL_API_KEYS_FILE"] = str(Path(stack.state.data_dir) / "api-keys")
                os.environ["SEAWALL_API_KEY"] = stack.state.api_key
                yield stack
            finally:
                stack.down()
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def running_server(kind: str, **settings: str) -> Iterator[ServerProcess]:
    """Run one of `benchmarks.api_servers` on its core, with further environment variables."""
    with ExitStack() as held:
        before = dict(os.environ)
        os.environ.update(settings)
        try:
            server = held.enter_context(running("benchmarks.api_servers", kind))
        finally:
            os.environ.clear()
            os.environ.update(before)
        _await_ready(server.url)
        # not before: starting takes a core's time, and others may want this one
        for thread in Path(f"/proc/{server.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {SERVER_CORE})
        yield server


def send(
    server: ServerProcess,
    path: str,
    *,
    connections: int,
    seconds: float,
    rate_per_s: float = 0.0,
    seed: int = 1,
) -> ApiSeen:
    """Load *server* from the last core; raises `ProcessFailed` where anything is not answered with success."""
    load = ApiLoad(
        url=server.url,
        path=f"/v1/{path}",
        key=os.environ["SEAWALL_API_KEY"],
        pid=server.pid,
        connections=connections,
        seconds=seconds,
        warmup_s=min(WARMUP_S, seconds),
        rate_per_s=rate_per_s,
        core=max(os.sched_getaffinity(0)),
        seed=seed,
    )
    seen = ask("benchmarks.api_load", load, ApiSeen)
    if seen.failed or not seen.requests or not seen.cpu_s:
        raise ProcessFailed(f"{seen.failed} of {seen.requests} writes by {path} failed: the figures say nothing")
    return seen


def _await_ready(url: str) -> None:
    """Return when the server says that it is ready, or that it does not know what that is."""
    deadline_s = time.monotonic() + _READY_S
    while time.monotonic() < deadline_s:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own server
                return
        except urllib.error.HTTPError as error:
            if error.code == http.client.NOT_FOUND:
                return
        time.sleep(0.1)
    raise ProcessFailed(f"{url}: is not ready; run `python -m benchmarks.api_servers` by itself to see why")

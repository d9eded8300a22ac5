"""What the API's benchmarks share: a stack, servers on one core, and loads on another."""

from __future__ import annotations

import http.client
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.api_load import ApiLoad, ApiSeen
from benchmarks.api_turns import Turns, TurnsSeen
from benchmarks.errors import ProcessFailed
from benchmarks.measuring_process import ask
from benchmarks.server_process import ServerProcess, running
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

SERVER_CORE, LOAD_CORE = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
WARMUP_S, TURN_S = 1.0, 0.2
PATIENT = {
    f"SEAWALL_{name}_LONGEST{what}_MS": "60000" for name, what in (("QUEUE", ""), ("LOOP", ""), ("KAFKA", "_ACK"))
}
"""A saturated server would refuse some; what is asked is what those cost that it serves."""
_READY_S = 20.0


class Contender(NamedTuple):
    """A server of `benchmarks.api_servers`, the write path that it is asked by, and further environment variables."""

    kind: str
    path: str = "kafka"
    settings: Mapping[str, str] = MappingProxyType({})


class Pair:
    """Two servers by turns, in several rounds."""

    def __init__(self) -> None:
        self._rounds: list[TurnsSeen] = []

    def measure(self, first: Contender, second: Contender, *, connections: int, turns: int, seed: int) -> None:
        """Start both servers and load them by turns, in every other round the second before the first.

        Raises `ProcessFailed` where an answer is no success.
        """
        sides = (first, second) if len(self._rounds) % 2 == 0 else (second, first)
        with ExitStack() as held:
            started = [
                _load(
                    held.enter_context(running_server(one.kind, **PATIENT, **one.settings)), one.path, connections, seed
                )
                for one in sides
            ]
            load = Turns(sides=(started[0], started[1]), turns=turns, turn_s=TURN_S, warmup_s=WARMUP_S, core=LOAD_CORE)
            seen = ask("benchmarks.api_turns", load, TurnsSeen)
        for one, failed, requests in zip(sides, seen.failed, seen.requests, strict=True):
            if failed or not requests:
                raise ProcessFailed(f"{failed} of {requests} writes by {one.path} to {one.kind} failed")
        self._rounds.append(seen if sides[0] is first else _exchanged(seen))

    @property
    def ratios(self) -> npt.NDArray[np.float64]:
        """What the first did for its processor time, beside the second, shape ``(rounds,)``."""
        return self._per_core_s(0) / self._per_core_s(1)

    def per_core_s(self, side: int) -> float:
        """Return a side's requests for a second of processor time, the median of the rounds."""
        return float(np.median(self._per_core_s(side)))

    def busy(self, side: int) -> float:
        """Return how much of its core a side used in its turns, the median of the rounds."""
        return float(np.median([seen.busy_s[side] / seen.seconds[side] for seen in self._rounds]))

    def _per_core_s(self, side: int) -> npt.NDArray[np.float64]:
        return np.array([seen.requests[side] / seen.cpu_s[side] for seen in self._rounds])


def _exchanged(seen: TurnsSeen) -> TurnsSeen:
    return TurnsSeen(**{name: tuple(reversed(getattr(seen, name))) for name in TurnsSeen.__struct_fields__})


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
    server: ServerProcess, path: str, *, connections: int, seconds: float, rate_per_s: float, seed: int = 1
) -> ApiSeen:
    """Load *server* at a rate from the last core; raises `ProcessFailed` where an answer is no success."""
    load = _load(
        server, path, connections, seed, seconds=seconds, warmup_s=min(WARMUP_S, seconds), rate_per_s=rate_per_s
    )
    seen = ask("benchmarks.api_load", load, ApiSeen)
    if seen.failed or not seen.requests or not seen.cpu_s:
        raise ProcessFailed(f"{seen.failed} of {seen.requests} writes by {path} failed: the figures say nothing")
    return seen


def _load(server: ServerProcess, path: str, connections: int, seed: int, **rest: float) -> ApiLoad:
    return ApiLoad(
        url=server.url,
        path=f"/v1/{path}",
        key=os.environ["SEAWALL_API_KEY"],
        pid=server.pid,
        connections=connections,
        core=LOAD_CORE,
        seed=seed,
        **rest,
    )


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

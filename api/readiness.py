"""Whether the process can do its work now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from api.answers import Answer
from api.problems import Unavailable

Probe = Callable[[], Awaitable[None]]
_PROBE_S = 2.0
_AGAIN_S = 0.05
_encode = msgspec.json.Encoder().encode
_NO_STORE = (b"cache-control", b"no-store")
_JSON = (b"content-type", b"application/json")


class Dependency(msgspec.Struct, frozen=True, omit_defaults=True):
    """One server; `absent` means that none is configured."""

    status: Literal["up", "down", "absent"]
    detail: str = ""


class Readiness(msgspec.Struct, frozen=True):
    """The answer of `/readyz`."""

    status: Literal["ready", "not-ready", "draining"]
    dependencies: dict[str, Dependency]


class ReadinessCheck:
    """Asks every configured dependency, at most once in a while however often it is asked itself."""

    def __init__(self, probes: dict[str, Probe | None], cache_s: float) -> None:
        self._probes = probes
        self._cache_s = cache_s
        self._known: dict[str, Dependency] = {}
        self._known_until_s = 0.0
        self._asking = asyncio.Lock()
        self.draining = False

    async def answer(self) -> Answer:
        """Return 200 when every configured dependency answers and the process is not draining, else 503."""
        async with self._asking:
            if time.monotonic() >= self._known_until_s:
                states = await asyncio.gather(*(_ask(probe) for probe in self._probes.values()))
                self._known = dict(zip(self._probes, states, strict=True))
                lacking = any(state.status == "down" for state in states)
                self._known_until_s = time.monotonic() + (min(_AGAIN_S, self._cache_s) if lacking else self._cache_s)
        down = any(dependency.status == "down" for dependency in self._known.values())
        if self.draining:
            found = Readiness("draining", self._known)
        else:
            found = Readiness("not-ready" if down else "ready", self._known)
        return Answer(200 if found.status == "ready" else 503, _encode(found), (_JSON, _NO_STORE))


async def _ask(probe: Probe | None) -> Dependency:
    if probe is None:
        return Dependency("absent")
    try:
        await asyncio.wait_for(probe(), _PROBE_S)
    except Unavailable as problem:
        return Dependency("down", problem.detail)
    except TimeoutError:
        return Dependency("down", "no answer in time")
    return Dependency("up")

"""The feed's process, as experiments see it: it writes one plan's orders straight to the log."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

import msgspec

from contract.connections import Connections
from contract.topics import topic_of
from seawall.experiments.errors import LoadFailed
from seawall.load.live_wire import Endpoint, LiveFigures
from seawall.load.metrics_beside import ShownBeside
from seawall.load.order_feed.plan import FeedDone, FeedPlan
from seawall.load.order_feed.records import ORDERS
from seawall.load.trial import Progress

_SILENCE_S = 60.0


class FeedProcess:
    """Starts the feed; `run` sends. Use as a context manager."""

    def __init__(self, plan: FeedPlan, connections: Connections, log: Path, api_url: str = "") -> None:
        """Start it; where the stack that serves *api_url* is observed, the feed is shown to its Prometheus."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self._plan, self._log = plan, log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seawall.load.order_feed.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **connections.environment()},
                start_new_session=True,  # a terminal's Ctrl-C is for the experiment, which then closes it
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._pending = b""
        self._say(msgspec.json.encode(plan))
        self._shown = ShownBeside(api_url)

    def __enter__(self) -> Self:
        if self._line() != b"ready":
            raise LoadFailed(f"{self._plan.name}: the feed did not get ready; see {self._log}")
        return self

    def __exit__(self, *error: object) -> None:
        self._shown.__exit__(*error)
        self._input.close()
        try:
            self._process.wait(timeout=self._plan.grace_s + 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._selector.close()
        self._output.close()

    def run(self, on_progress: Callable[[Progress], None]) -> FeedDone:
        """Send all of the plan; raises `LoadFailed` if the process dies or hangs."""
        self._say(b"go")
        while True:
            said = msgspec.json.decode(self._line(), type=Progress | FeedDone)
            if isinstance(said, FeedDone):
                return said
            self._shown.tell(partial(_figures, said))
            on_progress(said)

    def _say(self, line: bytes) -> None:
        try:
            self._input.write(line + b"\n")
            self._input.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _line(self) -> bytes:
        deadline_s = time.monotonic() + _SILENCE_S
        while b"\n" not in self._pending:
            if self._selector.select(timeout=1.0):
                block = os.read(self._output.fileno(), 1 << 16)
                if not block:
                    raise self._ended()
                self._pending += block
            elif time.monotonic() > deadline_s:
                raise LoadFailed(f"{self._plan.name}: the feed said nothing for {_SILENCE_S:.0f} s; see {self._log}")
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _ended(self) -> LoadFailed:
        return LoadFailed(f"{self._plan.name}: the feed ended with code {self._process.wait()}; see {self._log}")


def _figures(progress: Progress) -> LiveFigures:
    """Return what is known of a feed while it sends: it tells of its times when it is over."""
    orders = Endpoint("PRODUCE", topic_of(ORDERS), progress.answered + progress.failed, progress.failed, 0.0, [])
    return LiveFigures(running=True, users=1, users_wanted=1, workers={}, endpoints=[orders])

"""The subscribers' process, as an experiment sees it: one Locust whose users listen while another's write."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

from seawall.experiments.errors import LoadFailed
from seawall.load.feed.subscribers import FeedLoad
from seawall.load.feed.trial import FeedAnswer, FeedDone, FeedFailed, FeedProgress

_POLL_S = 0.02
_ENDS_WITHIN_S = 60.0


class SubscribersProcess:
    """Has many subscribe, tells how far they are, and brings what arrived; use as a context manager."""

    def __init__(self, load: FeedLoad, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._load, self._log = load, log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seawall.load.feed.generator"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ,
                start_new_session=True,  # a terminal's Ctrl-C is for the experiment, which then asks for a stop
            )
        self.progress = FeedProgress(connected=0, arrived=0)
        self._last: FeedDone | FeedFailed | None = None
        self._reader = threading.Thread(target=self._read, name="subscribers", daemon=True)
        self._reader.start()
        self._write(msgspec.json.encode(load))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=5)

    def await_connected(self, within_s: float) -> None:
        """Return once all have been let in; raises `LoadFailed` where some were not when the time is up."""
        deadline_s = time.monotonic() + within_s
        while self.progress.connected < self._load.total:
            self._check()
            if time.monotonic() > deadline_s:
                why = f", the feed's last word: {self.progress.refused}" if self.progress.refused else ""
                raise LoadFailed(
                    f"only {self.progress.connected:,} of {self._load.total:,} subscribers were let in within"
                    f" {within_s:.0f} s{why}; see {self._log}"
                )
            time.sleep(_POLL_S)

    def await_arrivals(self, expected: int, within_s: float, settled_s: float, said: Callable[[], None]) -> bool:
        """Return once *expected* records have arrived and for *settled_s* no more did; False where the time is up."""
        deadline_s = time.monotonic() + within_s
        arrived, since_s = -1, time.monotonic()
        while True:
            self._check()
            now_s = time.monotonic()
            if self.progress.arrived != arrived:
                arrived, since_s = self.progress.arrived, now_s
            if arrived >= expected and now_s - since_s > settled_s:
                return True
            if now_s > deadline_s:
                return False
            said()
            time.sleep(_POLL_S)

    def stop(self) -> FeedDone:
        """End it and return what there was; raises `LoadFailed`."""
        if self._last is None:
            self._write(b"stop")
        self._reader.join(timeout=_ENDS_WITHIN_S)
        if isinstance(self._last, FeedDone):
            return self._last
        why = self._last.reason if self._last is not None else "they did not end"
        raise LoadFailed(f"the subscribers: {why}; see {self._log}")

    def _check(self) -> None:
        if self._last is not None or not self._reader.is_alive():
            why = self._last.reason if isinstance(self._last, FeedFailed) else "their process ended"
            raise LoadFailed(f"the subscribers: {why}; see {self._log}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        decode = msgspec.json.Decoder(FeedAnswer).decode
        for line in self._process.stdout:
            answer = decode(line)
            if isinstance(answer, FeedProgress):
                self.progress = answer
            else:
                self._last = answer

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise LoadFailed(
                f"the subscribers' process ended with code {self._process.wait()}; see {self._log}"
            ) from None

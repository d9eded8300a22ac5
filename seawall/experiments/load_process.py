"""The generator's process, as experiments see it: one Locust that makes the load of trial after trial."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol, Self

import msgspec

from seawall.experiments.errors import LoadFailed
from seawall.load.trial import Answer, Progress, TrialDone, TrialFailed, TrialLoad
from seawall.stack.usage import ResourceUse, process_use

_LEAN = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""What is free goes back to the system: else Arrow's allocator alone keeps more, trial after trial, up to 17 MB."""
_SILENCE_S = 60.0
"""The generator reports progress several times a second; so long without a word means that it hangs."""


class Generator(Protocol):
    """Whatever makes a trial's load."""

    def run(self, trial: TrialLoad, on_progress: Callable[[Progress], None]) -> TrialDone:
        """Make one trial's load; raises `LoadFailed`."""
        ...

    def use(self, *, thorough: bool = False) -> ResourceUse | None:
        """Return what it has used so far; None where nothing runs."""
        ...


class LoadProcess:
    """Starts the generator and hands it trials; use as a context manager."""

    def __init__(self, api_url: str, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seawall.load.generator", api_url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_LEAN | os.environ,
                start_new_session=True,  # a terminal's Ctrl-C is for the experiment, which then asks for a stop
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._commands: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._answers, selectors.EVENT_READ)
        self._decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
        self._pending = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, trial: TrialLoad, on_progress: Callable[[Progress], None]) -> TrialDone:
        """Make one trial's load; raises `LoadFailed` if the generator dies, hangs or refuses."""
        self._write(msgspec.json.encode(trial))
        while True:
            answer = self._next_answer()
            if isinstance(answer, Progress):
                on_progress(answer)
            elif isinstance(answer, TrialFailed):
                raise LoadFailed(f"{trial.name}: {answer.reason}")
            else:
                return answer

    def use(self, *, thorough: bool = False) -> ResourceUse | None:
        """Return what the generator has used so far, as `Stack.resources` does of servers; None where it has ended."""
        return process_use(self._process.pid, thorough=thorough)

    def close(self) -> None:
        """End the process; the end of its input ends a trial that still runs."""
        with contextlib.suppress(BrokenPipeError):
            self._commands.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._selector.close()
        self._answers.close()

    def _next_answer(self) -> Answer:
        deadline = time.monotonic() + _SILENCE_S
        while b"\n" not in self._pending:
            if self._selector.select(timeout=1.0):
                block = os.read(self._answers.fileno(), 1 << 16)
                if not block:
                    raise LoadFailed(f"the load process ended with code {self._process.wait()}; see {self._log}")
                self._pending += block
            elif time.monotonic() > deadline:
                raise LoadFailed(f"the load process said nothing for {_SILENCE_S:.0f} s; see {self._log}")
        line, _, self._pending = self._pending.partition(b"\n")
        return self._decoder.decode(line)

    def _write(self, line: bytes) -> None:
        try:
            self._commands.write(line + b"\n")
            self._commands.flush()
        except BrokenPipeError:
            raise LoadFailed(f"the load process ended with code {self._process.wait()}; see {self._log}") from None

"""Worker processes beside a stack's own services: started by an experiment for a while, and ended with it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from seawall.stack.api import python_environment
from seawall.stack.children import LAUNCH, NICENESS, describe_exit, last_lines
from seawall.stack.errors import ServerFailed
from seawall.stack.service import make_directories
from seawall.stack.stack import Stack
from seawall.stack.usage import ResourceUse, process_use

_READY_WITHIN_S, _STOP_WITHIN_S = 180.0, 20.0


class WorkerProcess:
    """``python -m module`` with *arguments* and the stack's connections, ready once it prints a line.

    Use as a context manager. It dies with this process. Raises `ServerFailed` where it does not get ready.
    """

    def __init__(
        self,
        name: str,
        module: str,
        stack: Stack,
        directory: Path,
        variables: Mapping[str, str],
        *arguments: str,
        says_ready: bool = True,
    ) -> None:
        """What it writes lies in *directory*, its log is `<name>.log` there; one that does not say is ready at once."""
        self._says_ready = says_ready
        self.name = name
        self.log = directory / f"{name}.log"
        tmp = directory / "tmp"
        make_directories(directory, tmp)
        command = [sys.executable, "-P", "-m", module, *arguments]
        launch = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(signal.SIGKILL)), str(NICENESS)]
        with self.log.open("ab") as errors:
            self._process = subprocess.Popen(
                [*launch, "-", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=directory,
                env={**python_environment(stack.connections, tmp), **variables},
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Wait until it is ready."""
        try:
            self.await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def await_ready(self) -> None:
        """Return once it has printed a line."""
        if not self._says_ready:
            return
        assert self._process.stdout is not None
        deadline_s = time.monotonic() + _READY_WITHIN_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not selector.select(0.5):
                if time.monotonic() > deadline_s:
                    raise ServerFailed(f"{self.name} was not ready after {_READY_WITHIN_S:.0f} s; see {self.log}")
        if not self._process.stdout.readline():
            ended = describe_exit(self._process.wait())
            raise ServerFailed(f"{self.name} {ended}; the end of {self.log}:\n{last_lines(self.log)}")

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process.poll() is not None

    def use(self) -> ResourceUse | None:
        """Return what it has used so far; None where it has ended."""
        return process_use(self._process.pid)

    def kill(self) -> None:
        """Kill it, and wait for that."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and kill it where it does not; does nothing where it has ended."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

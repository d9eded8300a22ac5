"""A worker that an experiment runs beside the stack: a process of its own, never imported, gone with the experiment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from seawall.stack.api import python_environment
from seawall.stack.children import LAUNCH, NICENESS
from seawall.stack.stack import Stack
from seawall.stack.usage import ResourceUse, process_use

_STOPPED_WITHIN_S = 10.0


class Worker:
    """``python -m MODULE`` with the stack's connections; use as a context manager, at whose end it is stopped."""

    def __init__(
        self,
        module: str,
        stack: Stack,
        variables: Mapping[str, str],
        *arguments: str,
        output: Path,
        log: Path,
        niceness: int = NICENESS,
    ) -> None:
        """*variables* are further ones of its environment; standard output goes to *output*, errors are added to *log*.

        Whoever generates load has the *niceness* 0, whoever serves it that of a server.
        """
        self.module, self.output, self.log = module, output, log
        self._read = 0
        for place in (output.parent, log.parent):
            place.mkdir(parents=True, exist_ok=True)
        state = stack.state
        environment = python_environment(stack.connections, Path(state.data_dir))
        environment |= {"SEAWALL_API_URL": state.api_url, **variables}
        if state.api_key:
            environment["SEAWALL_API_KEY"] = state.api_key
        with output.open("wb") as lines, log.open("ab") as errors:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(signal.SIGTERM))),
                    *(str(niceness), "-", sys.executable, "-P", "-m", module, *arguments),
                ],
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=errors,
                env=environment,
                start_new_session=True,  # a terminal's Ctrl-C is for the experiment, which then stops the worker
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def lines(self) -> list[bytes]:
        """Return the whole lines that it has printed so far."""
        return self.output.read_bytes().split(b"\n")[:-1]

    def news(self) -> list[dict[str, Any]]:
        """Return what it has said since the last call, where it says JSON."""
        with self.output.open("rb") as file:
            file.seek(self._read)
            said = file.read()
        whole = said.rfind(b"\n") + 1
        self._read += whole
        return [msgspec.json.decode(line) for line in said[:whole].splitlines()]

    def use(self, *, thorough: bool = False) -> ResourceUse | None:
        """Return what it has used so far; None where it has ended."""
        return process_use(self._process.pid, thorough=thorough)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; tell whether it came within *timeout_s*."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """Kill it, and wait for that."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and kill it where it does not; does nothing where it has ended."""
        self._process.terminate()
        if not self.wait(_STOPPED_WITHIN_S):
            self._process.kill()
            self._process.wait()

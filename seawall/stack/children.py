"""Start and stop one process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

NICENESS = 10
"""Every server gets this, of whichever arm, but for the API.

On a shared machine the load generator, at 0, then goes first: a service that cannot keep up shows as its own latency
and not as a generator that sends late.
"""
API_NICENESS = 5
"""The API's: every request of every arm waits for its one thread, so it goes before those that it waits for."""

LAUNCH = Path(__file__).with_name("launch.py")
"""Becomes a server."""
_AFTER_KILL_S = 5.0


class Child:
    """A process in a session of its own, which dies with this one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid
        with contextlib.suppress(psutil.Error):
            self.started = psutil.Process(process.pid).create_time()

    started: float = 0.0

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        environment: dict[str, str],
        directory: Path,
        log: Path,
        niceness: int = NICENESS,
        user: str | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
        descriptors: Sequence[int] = (),
        held: bool = False,
    ) -> Child:
        """Start *command*, its output appended to *log*; it inherits *descriptors*.

        One that is *held* waits for a byte on its standard input (`seawall.stack.preload`), which `release` sends.
        """
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                str(LAUNCH),
                str(os.getpid()),
                str(int(death_signal)),
                str(niceness),
                user or "-",
                *command,
                stdin=asyncio.subprocess.PIPE if held else asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
                cwd=directory,
                start_new_session=True,
                pass_fds=descriptors,
            )
        return cls(process)

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.returncode

    def release(self) -> None:
        """Let a held process go on; does nothing for others, and for one that has ended."""
        if self._process.stdin is not None:
            self._process.stdin.write(b"\n")
            self._process.stdin.close()

    async def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return await self._process.wait()

    async def stop(self, stop_signal: signal.Signals, within_s: float) -> None:
        """Ask to stop; kill what is left of the session after *within_s*."""
        if self.exit_code is None:
            # Those that were paused could not hear the request; PostgreSQL's are in sessions of their own.
            with contextlib.suppress(psutil.Error):
                for descendant in psutil.Process(self.pid).children(recursive=True):
                    descendant.resume()
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
                self._process.send_signal(stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), within_s)
        self.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _AFTER_KILL_S)

    def kill(self) -> None:
        """Kill the process and what it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def describe_exit(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of *log*."""
    try:
        text = log.read_bytes()[-65536:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-count:])

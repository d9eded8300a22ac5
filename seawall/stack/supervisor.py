"""The process that owns a stack's servers: ``python -m seawall.stack.supervisor``.

It reads a `Request` from its standard input, starts everything, and stops everything at SIGTERM or when that input ends
without `DETACH` (its owner is gone, by whatever way). What it tells goes to standard output as `Event` lines, its own
log to standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from seawall.stack.children import Child, describe_exit
from seawall.stack.errors import StackError
from seawall.stack.events import DETACH, Event, EventKind, Request
from seawall.stack.holds import is_held_down
from seawall.stack.roster import Roster
from seawall.stack.shared_memory import release_shared_memory
from seawall.stack.small_disk import unmount
from seawall.stack.standby import Standby
from seawall.stack.starting import Starter

_HELD_POLL_S = 0.02
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _SETTLED_S = 0.1, 5.0, 30.0


class Supervisor:
    """One stack from start to end."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._stop = asyncio.Event()
        self._watchers: list[asyncio.Task[None]] = []
        self._standbys: dict[str, Standby] = {}
        self._out: int | None = sys.stdout.fileno()
        self.roster = Roster(request)

    def emit(self, kind: EventKind, service: str = "", text: str = "", done: int = 0, total: int = 0) -> None:
        """Tell the owner, if there is one that listens."""
        if kind != "progress":
            _note(f"{kind} {service} {text}")
        if self._out is None:
            return
        try:
            os.write(self._out, msgspec.json.encode(Event(kind, service, text, done, total)) + b"\n")
        except OSError:
            self._out = None

    async def run(self, commands: asyncio.StreamReader) -> int:
        """Start, wait until told to stop, stop; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        listening = asyncio.create_task(self._listen(commands))
        starter = Starter(self._request, self.roster, self.emit)
        starting = asyncio.create_task(starter.start())
        stopping = asyncio.create_task(self._stop.wait())
        failure = ""
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                self._watchers = [asyncio.create_task(self._watch(name)) for name in self.roster.children]
                self._have_standbys()
                self.roster.phase("up")
                self.emit("up", text=self.roster.state.api_url)
                await self._stop.wait()
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing may be left running
            failure = _explain(error)
        finally:
            for task in (starting, listening, *self._watchers):
                task.cancel()
            await asyncio.gather(starting, listening, *self._watchers, return_exceptions=True)
            await starter.settle()
            await asyncio.gather(*(standby.close() for standby in self._standbys.values()))
            await self._tear_down(starter)
        self.emit("failed" if failure else "stopped", text=failure)
        return 2 if failure else 0

    async def _listen(self, commands: asyncio.StreamReader) -> None:
        while line := await commands.readline():
            if line == DETACH:
                self._out = None
                return
        _note("the owner is gone")
        self._stop.set()

    async def _watch(self, name: str) -> None:
        """Start again what ends by itself, if it is of that kind."""
        pause_s = _FIRST_PAUSE_S
        while True:
            child = self.roster.children[name]
            began = time.monotonic()
            code = await child.wait()
            service = self.roster.services[name]
            _note(f"{name} {describe_exit(code)}")
            if not service.restarts:
                self.roster.gone(name)
                return
            child.kill()  # what it left of its own children
            if is_held_down(self.roster.data, name):
                self.roster.gone(name)
                while is_held_down(self.roster.data, name):  # noqa: ASYNC110 - a file has no event
                    await asyncio.sleep(_HELD_POLL_S)
                pause_s = _FIRST_PAUSE_S  # it did not end by itself
            elif time.monotonic() - began > _SETTLED_S:
                pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            standby = await self._standbys[name].take() if name in self._standbys else None
            (await self.roster.launch(service, restarted=True, standby=standby)).release()
            _note(f"{name} was started again{', by the process that stood by' if standby else ''}")
            if name in self._standbys:
                self._standbys[name].prepare()

    def _have_standbys(self) -> None:
        if self._request.options.standby:
            self._standbys = {
                name: Standby(service, self.roster.start)
                for name, service in self.roster.services.items()
                if service.kind == "api" and name in self.roster.children
            }
        for standby in self._standbys.values():
            standby.prepare()

    async def _tear_down(self, starter: Starter) -> None:
        self.emit("stopping")
        with contextlib.suppress(OSError):
            self.roster.phase("stopping")
        starter.close()
        for level in (
            ("prometheus", "exporter", "http-cache", "balancer"),
            ("api",),
            ("sink", "feed"),
            ("link",),
            ("migration", "kafka", "registry", "valkey", "postgres", "mariadb"),
        ):
            await asyncio.gather(*(self._end(name, child) for name, child in self.roster.of_kinds(level)))
        await asyncio.to_thread(starter.keep)
        for directory in self.roster.directories():
            release_shared_memory(directory)
        for place in self.roster.state.mounts:
            await asyncio.to_thread(unmount, Path(place))
        for directory in self.roster.directories():
            shutil.rmtree(directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.roster.forget()

    async def _end(self, name: str, child: Child) -> None:
        service = self.roster.services.get(name)
        if service is None:
            child.kill()
            return
        await child.stop(service.stop_signal, service.stop_within_s)
        _note(f"{name} {describe_exit(child.exit_code) if child.exit_code is not None else 'does not end'}")


def _explain(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, StackError) or type(error).__name__ == "BadConnection":
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}"
    _note_traceback(error)
    return f"{type(error).__name__}: {error}"


def _note(text: str) -> None:
    with contextlib.suppress(OSError):
        print(datetime.now(UTC).isoformat(timespec="milliseconds"), text.rstrip(), file=sys.stderr, flush=True)


def _note_traceback(error: BaseException) -> None:
    import traceback  # noqa: PLC0415 - only when something unforeseen happened

    with contextlib.suppress(OSError):
        traceback.print_exception(error)


async def _main() -> int:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    line = await reader.readline()
    if not line:
        return 2
    supervisor = Supervisor(msgspec.json.decode(line, type=Request))
    return await supervisor.run(reader)


def main() -> None:
    """Run until the stack is stopped."""
    loop = asyncio.new_event_loop()
    code = loop.run_until_complete(_main())
    sys.stderr.flush()
    # Threads may still wait for a network; nothing they do matters any more.
    os._exit(code)


if __name__ == "__main__":
    main()

"""Start a stack's services, each as soon as what it needs is there."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from seawall.stack import places
from seawall.stack.api import python_environment
from seawall.stack.children import Child, describe_exit, last_lines
from seawall.stack.errors import ServerFailed
from seawall.stack.events import Request
from seawall.stack.options import StackOptions
from seawall.stack.plan import Plan, make_plan
from seawall.stack.roster import Roster
from seawall.stack.service import NotReady, Service
from seawall.stack.sink import Sink

_PAUSE_S = 0.03
_MIGRATION_S = 60.0
_SETTLE_S = 10.0

Emit = Callable[..., None]
T = TypeVar("T")


class Starter:
    """Brings up what a request asks for."""

    def __init__(self, request: Request, roster: Roster, emit: Emit) -> None:
        self._request, self._roster, self._emit = request, roster, emit
        self._loop = asyncio.get_running_loop()
        self._warming: list[asyncio.Future[None]] = []
        self._blocking: set[asyncio.Future[Any]] = set()

    async def start(self) -> None:
        """Start everything; raises `StackError` for the first that fails."""
        options, roster = self._request.options, self._roster
        roster.begin()
        places.make_data(self._request.run)
        build = partial(make_plan, options, run=self._request.run, data=roster.data, logs=roster.logs, made=roster.made)
        plan = await self._thread(build, awaited=True)
        sinks = options.sinks if plan.brokers and plan.ours else 0
        roster.adopt(plan, sinks)
        async with asyncio.TaskGroup() as group:
            database = group.create_task(self._database(plan))
            cache = group.create_task(self._each([plan.cache] if plan.cache else []))
            log = group.create_task(self._log(plan, options.partitions))
            group.create_task(self._after([database, cache, log], self._each([plan.api] if plan.api else [])))
            if sinks:
                group.create_task(self._after([database, log], self._sinks(plan, options)))

    async def settle(self) -> None:
        """Wait for blocking preparations that a cancelled start has left behind, so that they write nothing later."""
        if self._blocking:
            await asyncio.wait(self._blocking, timeout=_SETTLE_S)

    async def _database(self, plan: Plan) -> None:
        if plan.database is None:
            return
        await self._service(plan.database)
        if plan.ours:
            await self._migrate(plan)

    async def _log(self, plan: Plan, partitions: int) -> None:
        if not plan.brokers:
            return
        if plan.jars is not None:
            await self._jars(plan)
        await self._each(plan.brokers)
        if plan.ours:
            from seawall.stack.log import Log  # noqa: PLC0415 - loaded while the servers start

            log = Log(plan.connections.kafka)
            if plan.embedded_brokers:
                for warm in (log.warm_producer_ids, log.warm_group):
                    self._warming.append(self._loop.run_in_executor(None, warm))
            await self._thread(lambda: log.create_topics(partitions=partitions, brokers=plan.embedded_brokers))

    async def _sinks(self, plan: Plan, options: StackOptions) -> None:
        from seawall.stack.log import Log  # noqa: PLC0415 - loaded while the servers start

        log, roster = Log(plan.connections.kafka), self._roster
        await self._each(
            [
                Sink(
                    number,
                    options,
                    plan.connections,
                    log,
                    directory=roster.data / f"sink-{number}",
                    journal=Path(roster.state.journal_dir),
                )
                for number in range(1, options.sinks + 1)
            ]
        )

    async def _jars(self, plan: Plan) -> None:
        jars = plan.jars
        assert jars is not None
        missing = await self._thread(jars.broken)  # every byte: 50 ms, and a damaged jar fails in obscure ways
        if not missing:
            return
        self._emit("starting", "kafka jars", text=f"fetching {len(missing)} of {len(jars.jars)} files")

        def progress(done: int, total: int) -> None:
            self._loop.call_soon_threadsafe(self._emit, "progress", "kafka jars", "", done, total)

        await self._thread(lambda: jars.fetch(missing, progress))
        self._emit("ready", "kafka jars")

    async def _migrate(self, plan: Plan) -> None:
        log = self._roster.log_of("migration")
        child = await Child.start(
            [sys.executable, "-m", "contract.migrate"],
            environment=python_environment(plan.connections, self._roster.data),
            directory=self._roster.data,
            log=log,
        )
        self._roster.children["migration"] = child
        try:
            code = await asyncio.wait_for(child.wait(), _MIGRATION_S)
        except TimeoutError:
            raise ServerFailed(f"the database's tables were not ready after {_MIGRATION_S:.0f} s; see {log}") from None
        del self._roster.children["migration"]
        if code:
            raise ServerFailed(f"the database's tables could not be brought up to date; {log}:\n{last_lines(log)}")

    async def _each(self, services: list[Service]) -> None:
        async with asyncio.TaskGroup() as group:
            for service in services:
                group.create_task(self._service(service))

    async def _service(self, service: Service) -> None:
        self._roster.enter(service)
        self._emit("starting", service.name)
        await self._thread(service.prepare, awaited=True)
        child = await self._roster.launch(service) if service.command() else None
        version = await self._answer(service, child)
        self._roster.ready(service.name, version)
        self._emit("ready", service.name, text=service.address)

    async def _answer(self, service: Service, child: Child | None) -> str:
        deadline = time.monotonic() + service.ready_within_s
        while True:
            try:
                return await self._thread(service.answer)
            except NotReady as error:
                problem = str(error)
            log = self._roster.log_of(service.name)
            if child is not None and child.exit_code is not None:
                ended = describe_exit(child.exit_code)
                raise ServerFailed(f"{service.name} {ended}; the end of {log}:\n{last_lines(log)}")
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{service.name} was not ready after {service.ready_within_s:.0f} s ({problem}); "
                    f"the end of {log}:\n{last_lines(log)}"
                )
            await asyncio.sleep(_PAUSE_S)

    async def _after(self, tasks: list[asyncio.Task[None]], then: Coroutine[Any, Any, None]) -> None:
        try:
            # wait, not gather: a task that fails is the group's business, not one to be cancelled from here
            await asyncio.wait(tasks)
            failed = any(task.cancelled() or task.exception() for task in tasks)
        except asyncio.CancelledError:
            then.close()
            raise
        if failed:
            then.close()
        else:
            await then

    async def _thread(self, work: Callable[[], T], *, awaited: bool = False) -> T:
        future = self._loop.run_in_executor(None, work)
        if awaited:
            self._blocking.add(future)
            future.add_done_callback(self._blocking.discard)
            return await asyncio.shield(future)
        return await future

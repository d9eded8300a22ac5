"""Start a stack's services, each as soon as what it needs is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from seawall.stack import places
from seawall.stack.api import python_environment
from seawall.stack.children import Child, describe_exit, last_lines
from seawall.stack.errors import ServerFailed
from seawall.stack.events import Request
from seawall.stack.options import StackOptions
from seawall.stack.plan import Plan, make_plan
from seawall.stack.ports import HOST
from seawall.stack.roster import Roster
from seawall.stack.service import NotReady, Service, held_program
from seawall.stack.sink import Sink
from seawall.stack.sink_group import SinkGroup
from seawall.stack.valkey_cluster import ValkeyNode, form
from seawall.stack.warming import await_coordinator, await_producer_ids
from seawall.tuning.knob import Place

if TYPE_CHECKING:
    from seawall.stack.jars import Jar, JarCache, Progress
    from seawall.stack.log import Log

_PAUSE_S = 0.03
_MIGRATION_S = 60.0
_SETTLE_S = 10.0
_WARM_S = 10.0

Emit = Callable[..., None]
T = TypeVar("T")


class Starter:
    """Brings up what a request asks for."""

    def __init__(self, request: Request, roster: Roster, emit: Emit) -> None:
        self._request, self._roster, self._emit = request, roster, emit
        self._loop = asyncio.get_running_loop()
        self._plan: Plan | None = None
        self._administrator: Log | None = None
        self._blocking: set[asyncio.Future[Any]] = set()

    async def start(self) -> None:
        """Start everything; raises `StackError` for the first that fails."""
        options, roster = self._request.options, self._roster
        roster.begin()
        places.make_data(self._request.run)
        build = partial(make_plan, options, run=self._request.run, data=roster.data, logs=roster.logs, made=roster.made)
        self._plan = plan = await self._thread(build, awaited=True)
        sinks = options.sinks if plan.brokers and plan.ours else 0
        roster.adopt(plan, sinks)
        async with asyncio.TaskGroup() as group:
            log = group.create_task(self._log(plan, options))
            database = group.create_task(self._database(plan))
            cache = group.create_task(self._cache(plan))
            links = group.create_task(self._each([plan.links] if plan.links else []))
            replica = group.create_task(self._replica(plan, database))
            schemas = group.create_task(self._registry(plan))
            apis = group.create_task(self._each(plan.apis, after=[database, replica, cache, log, links, schemas]))
            group.create_task(self._each(plan.feeds, after=[database, log, schemas]))
            group.create_task(self._each(plan.observers))
            before_the_api = [one for one in (plan.http_cache, plan.balancer) if one is not None]
            group.create_task(self._each(before_the_api, after=[apis]))
            if sinks:
                group.create_task(self._each(self._sinks(plan, options), after=[database, log, links]))
        if self._administrator is not None:
            # nobody asks any more, and a client that is still connected when the brokers stop is one that can fail
            await self._thread(self._administrator.close)

    async def settle(self) -> None:
        """Wait for blocking preparations that a cancelled start has left behind, so that they write nothing later."""
        if self._blocking:
            await asyncio.wait(self._blocking, timeout=_SETTLE_S)

    def close(self) -> None:
        """Let go of the API's port: nobody can connect any more once its processes have let go, too."""
        for listener in self._plan.sockets if self._plan else ():
            listener.close()

    def keep(self) -> None:
        """Keep what a broker that has ended left for those of later stacks; may block."""
        if self._plan is not None and self._plan.archive is not None and self._plan.brokers:
            child = self._roster.children.get(self._plan.brokers[0].name)
            self._plan.archive.keep(None if child is None else child.exit_code)

    async def _database(self, plan: Plan) -> None:
        if plan.database is None:
            return
        async with asyncio.TaskGroup() as group:
            server = group.create_task(self._service(plan.database))
            if plan.ours:
                group.create_task(self._migrate(plan, server))

    async def _cache(self, plan: Plan) -> None:
        await self._each(plan.caches)
        nodes = [one for one in plan.caches if isinstance(one, ValkeyNode)]
        if nodes:
            await self._thread(partial(form, nodes))
            self._emit("step", "valkey", text=f"{len(nodes)} nodes are a cluster")

    async def _replica(self, plan: Plan, database: asyncio.Task[None]) -> None:
        """Start it once there is something to copy, tables included: its preparation is the copy."""
        if plan.replica is not None and await _succeeded([database]):
            await self._service(plan.replica)

    async def _registry(self, plan: Plan) -> None:
        if plan.registry is None:
            return
        program = plan.registry_program
        if program is not None and not program.complete:
            self._emit("starting", "registry files", text="fetching the schema registry")
            await self._thread(lambda: program.fetch(self._progress("registry files")))
            self._emit("ready", "registry files")
        await self._service(plan.registry)

    async def _log(self, plan: Plan, options: StackOptions) -> None:
        if not plan.brokers:
            return
        if plan.jars is not None:
            await self._jars(plan)
        if plan.archive is not None:
            await self._thread(plan.archive.prepare, awaited=True)
        await self._each(plan.brokers)
        if plan.ours:
            log = self._cluster(plan)
            work: list[Callable[[], object]] = [
                partial(
                    log.create_topics,
                    partitions=options.partitions,
                    replication=int(options.settings.stack.get("replication", plan.embedded_brokers)),
                    settings=options.settings.texts(Place.TOPIC),
                )
            ]
            if plan.embedded_brokers:
                settings = plan.connections.kafka
                work += [partial(warm, settings, _WARM_S) for warm in (await_producer_ids, await_coordinator)]
            async with asyncio.TaskGroup() as group:
                for step in work:
                    group.create_task(self._thread(step))
            self._emit("step", "kafka", text="topics are there")

    def _sinks(self, plan: Plan, options: StackOptions) -> list[Service]:
        roster = self._roster
        pages = {number: f"http://{HOST}:{port}/metrics" for number, port in enumerate(plan.sink_ports, start=1)}
        group = SinkGroup({str(number): page for number, page in pages.items()}, self._cluster(plan).partitions)
        return [
            Sink(
                number,
                options,
                plan.connections_of("sink"),
                group,
                metrics_url=page,
                trace_url=plan.trace_url,
                directory=roster.data / f"sink-{number}",
                journal=Path(roster.state.journal_dir),
            )
            for number, page in pages.items()
        ]

    def _cluster(self, plan: Plan) -> Log:
        """Return our view of the log, always the same one; it connects when it is first asked."""
        if self._administrator is None:
            from seawall.stack.log import Log  # noqa: PLC0415 - loaded while the servers start

            self._administrator = Log(plan.connections.kafka)
        return self._administrator

    async def _jars(self, plan: Plan) -> None:
        for jars in filter(None, (plan.jars, plan.agent)):
            missing = await self._thread(jars.broken)  # every byte: 50 ms, and a damaged jar fails in obscure ways
            if missing:
                await self._fetch(jars, missing)

    async def _fetch(self, jars: JarCache, missing: list[Jar]) -> None:
        self._emit("starting", "kafka jars", text=f"fetching {len(missing)} of {len(jars.jars)} files")
        await self._thread(lambda: jars.fetch(missing, self._progress("kafka jars")))
        self._emit("ready", "kafka jars")

    def _progress(self, name: str) -> Progress:
        def progress(done: int, total: int) -> None:
            self._loop.call_soon_threadsafe(self._emit, "progress", name, "", done, total)

        return progress

    async def _migrate(self, plan: Plan, server: asyncio.Task[None]) -> None:
        log = self._roster.log_of("migration")
        child = await Child.start(
            held_program("contract.migrate"),
            environment=python_environment(plan.connections, self._roster.data),
            directory=self._roster.data,
            log=log,
            held=True,
        )
        self._roster.children["migration"] = child
        if not await _succeeded([server]):
            return
        child.release()
        try:
            code = await asyncio.wait_for(child.wait(), _MIGRATION_S)
        except TimeoutError:
            raise ServerFailed(f"the database's tables were not ready after {_MIGRATION_S:.0f} s; see {log}") from None
        del self._roster.children["migration"]
        if not code:
            self._emit("step", plan.database.name if plan.database else "", text="tables are there")
        if code:
            raise ServerFailed(f"the database's tables could not be brought up to date; {log}:\n{last_lines(log)}")

    async def _each(self, services: Sequence[Service], after: Sequence[asyncio.Task[None]] = ()) -> None:
        async with asyncio.TaskGroup() as group:
            for service in services:
                group.create_task(self._service(service, after))

    async def _service(self, service: Service, after: Sequence[asyncio.Task[None]] = ()) -> None:
        """Start *service*, which runs once what it comes *after* is there, and wait until it answers."""
        self._roster.enter(service)
        self._emit("starting", service.name)
        await self._thread(service.prepare, awaited=True)
        child = await self._roster.launch(service) if service.command() else None
        if not await _succeeded(after):
            return
        if child is not None:
            child.release()
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

    async def _thread(self, work: Callable[[], T], *, awaited: bool = False) -> T:
        future = self._loop.run_in_executor(None, work)
        if awaited:
            self._blocking.add(future)
            future.add_done_callback(self._blocking.discard)
            return await asyncio.shield(future)
        return await future


async def _succeeded(tasks: Sequence[asyncio.Task[None]]) -> bool:
    """Wait for *tasks* and tell whether all succeeded; one that fails is its group's business."""
    if tasks:
        await asyncio.wait(tasks)
    return not any(task.cancelled() or task.exception() for task in tasks)

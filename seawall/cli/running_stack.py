"""The stack an experiment runs on: the one that is up, or one of its own for the time being."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from contract.connections import DATABASE_NAMES
from seawall.cli.consoles import error_console
from seawall.cli.stack_progress import StackProgress
from seawall.stack.errors import OtherStackRunning
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack
from seawall.tuning.kafka_settings import KafkaSettings


@contextmanager
def stack_for(wanted: StackOptions, owner: str, *, asked: bool) -> Iterator[Stack]:
    """Give the running stack, or start one and stop it afterwards.

    *asked* says that the user named brokers, sinks or API processes; a running stack of another shape is then refused
    with `OtherStackRunning`. One without Kafka, TLS, an HTTP cache or a registry is refused whenever *wanted* has it.
    """
    running = Stack.attach()
    if running is None:
        with own_stack(wanted, owner) as stack:
            yield stack
        return
    has = running.state.options
    if wanted.kafka and not running.state.kafka:
        raise OtherStackRunning("the running stack has no Kafka: stop it by `bin/seawall down`, or choose --paths")
    for name, there, option in (
        ("TLS", bool(running.state.api_tls_url), "--tls"),
        ("HTTP cache", "http-cache" in running.state.services, "--http-cache"),
        ("schema registry", "registry" in running.state.services, "--registry"),
    ):
        if getattr(wanted, option[2:].replace("-", "_")) and not there:
            raise OtherStackRunning(
                f"the running stack has no {name}: stop it by `bin/seawall down` and start it by"
                f" `bin/seawall up {option}`, or do without"
            )
    database = running.connections.database
    if wanted.database not in ("", database):
        needed = DATABASE_NAMES.get(wanted.database, wanted.database)
        raise OtherStackRunning(
            f"this asks for {needed}, and the running stack has {DATABASE_NAMES[database]}: stop it by"
            f" `bin/seawall down`, and one with {needed} is started; or leave --database out, if it was given"
        )
    if has.trace is not None:
        raise OtherStackRunning(
            "the running stack traces requests, which costs time that would be measured: stop it by `bin/seawall down`,"
            " and start it without --trace"
        )
    shape = (wanted.brokers, wanted.sinks, wanted.api_processes)
    if asked and (has.brokers, has.sinks, has.api_processes) != shape:
        raise OtherStackRunning(
            f"the running stack has {has.brokers} brokers, {has.sinks} sinks and {has.api_processes} API processes:"
            " stop it with `bin/seawall down`, or leave --brokers, --sinks and --api-processes out"
        )
    if wanted.settings not in (KafkaSettings(), has.settings):
        raise OtherStackRunning(
            "the running stack has other settings: stop it by `bin/seawall down`, or start it with `bin/seawall up"
            " --settings FILE`"
        )
    error_console().print("Using the stack that is up.")
    try:
        yield running
    finally:
        running.close()


@contextmanager
def own_stack(wanted: StackOptions, owner: str, until: str = "") -> Iterator[Stack]:
    """Start a stack and stop it afterwards; *until* says what ends then, if not the *owner*.

    Raises `OtherStackRunning` where one is up already, which is left alone.
    """
    with StackProgress("Starting a stack") as progress:
        stack = Stack.up(wanted, progress, owner=owner)
    try:
        error_console().print(f"The stack is up; it stops when the {until or owner} ends.")
        yield stack
    finally:
        stack.down()


def refuse_running_stack(why: str, instead: str) -> None:
    """Raise `OtherStackRunning` where a stack is up, with *why* it cannot be used and what to do *instead*."""
    if Stack.attach() is not None:
        raise OtherStackRunning(f"a stack is up, and {why}: stop it with `bin/seawall down`, or {instead}")

"""The stack an experiment runs on: the one that is up, or one of its own for the time being."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seawall.cli.consoles import error_console
from seawall.cli.stack_progress import StackProgress
from seawall.stack.errors import OtherStackRunning
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack


@contextmanager
def stack_for(wanted: StackOptions, owner: str, *, asked: bool) -> Iterator[Stack]:
    """Give the running stack, or start one and stop it afterwards.

    *asked* says that the user named brokers or sinks; a running stack of another shape is then refused with
    `OtherStackRunning`. One without Kafka is refused whenever *wanted* has it.
    """
    console = error_console()
    running = Stack.attach()
    if running is not None:
        has = running.state.options
        if wanted.kafka and not running.state.kafka:
            raise OtherStackRunning("the running stack has no Kafka: stop it by `bin/seawall down`, or choose --paths")
        if asked and (has.brokers, has.sinks) != (wanted.brokers, wanted.sinks):
            raise OtherStackRunning(
                f"the running stack has {has.brokers} brokers and {has.sinks} sinks: stop it with `bin/seawall down`,"
                " or leave --brokers and --sinks out"
            )
        console.print("Using the stack that is up.")
        try:
            yield running
        finally:
            running.close()
        return
    console.print("Starting a stack")
    with StackProgress(console) as progress:
        stack = Stack.up(wanted, progress, owner=owner)
    try:
        console.print(f"The stack is up; it stops when the {owner} ends.")
        yield stack
    finally:
        stack.down()

"""One schema registry for the tests that need no other part of a stack."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seawall.stack.java import find_java
from seawall.stack.ports import free_ports
from seawall.stack.registry import Registry
from seawall.stack.registry_program import RegistryProgram
from seawall.stack.service import NotReady

_READY_S = 90.0


@contextmanager
def running(directory: Path, like: Registry | None = None) -> Iterator[tuple[Registry, subprocess.Popen[bytes]]]:
    """Run a registry, fetched where it is not there yet; or one *like* another, on its files and port."""
    program = RegistryProgram()
    program.fetch()
    port, health_port = free_ports(2)
    registry = like or Registry(program, find_java(), directory=directory, port=port, health_port=health_port)
    registry.prepare()
    with (directory.parent / "registry.log").open("ab") as log:
        process = subprocess.Popen(registry.command(), env=registry.environment(), stdout=log, stderr=log)
    try:
        due_s = time.monotonic() + _READY_S
        while not _answers(registry):
            assert process.poll() is None, "the registry has ended"
            assert time.monotonic() < due_s, "the registry does not get ready"
            time.sleep(0.1)
        yield registry, process
    finally:
        process.kill()
        process.wait()


def _answers(registry: Registry) -> bool:
    try:
        registry.answer()
    except NotReady:
        return False
    return True

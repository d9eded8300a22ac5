"""A storm of rebalances: sinks that join the group and leave it again, in order and without a word."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from seawall.stack.children import LAUNCH, NICENESS
from seawall.stack.faults.fault import Field, NoEffect, wait_until

_WRITES_WITHIN_S = 6.0
_FIRST_WITHIN_S = 8.0
"""One that begins on busy cores takes two seconds for its imports, and joins a group after that."""
_ENDS_WITHIN_S = 10.0
_LOG = "storm.log"


class Storm:
    """One further sink after the other, with the settings of one that is there."""

    def __init__(self, field: Field) -> None:
        services = field.stack.state.services.values()
        self._pid = next((service.pid for service in services if service.kind == "sink" and service.pid), None)
        self._state = field.stack.state
        self._random = field.random
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._rage, daemon=True)
        self._id = f"{self._random.getrandbits(32):08x}"
        self._came = self._wrote = 0

    def begin(self) -> None:
        """Begin to start them, and return once one of them had work."""
        if self._pid is None:
            raise NoEffect("there is no sink whose settings others could have")
        self._environment = psutil.Process(self._pid).environ()
        self._thread.start()
        wait_until(lambda: self._wrote > 0, _FIRST_WITHIN_S)

    def end(self) -> None:
        """Let the last one leave."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def bite(self) -> str:
        """Say how many came, and that some of them had work."""
        return f"{self._came} sinks came and went, {self._wrote} of them wrote rows" if self._wrote else ""

    def _rage(self) -> None:
        for number in itertools.count(1):
            if self._ended.is_set():
                return
            # a name that comes again is a member that is started again; each of these is another
            name = f"storm-{self._id}-{number}"
            with Path(self._state.logs_dir, _LOG).open("ab") as log:
                sink = subprocess.Popen(
                    _like_a_server([sys.executable, "-P", "-m", "workers.sink"]),
                    env={**self._environment, "SEAWALL_SINK_NAME": name, "SEAWALL_SINK_METRICS_PORT": "0"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._state.data_dir,
                    start_new_session=True,
                )
            self._came += 1
            try:
                if self._has_written(name):
                    self._wrote += 1
                    self._ended.wait(self._random.random())
            finally:
                if self._random.random() < 0.5:  # noqa: PLR2004 - half of them
                    sink.kill()
                else:
                    sink.terminate()
                try:
                    sink.wait(_ENDS_WITHIN_S)
                except subprocess.TimeoutExpired:
                    sink.kill()
                    sink.wait()

    def _has_written(self, name: str) -> bool:
        """Wait until a sink has written rows, or has had its time."""
        journal = Path(self._state.journal_dir, f"{name}.jsonl")
        return (
            wait_until(
                lambda: self._ended.is_set() or (journal.exists() and journal.stat().st_size > 0), _WRITES_WITHIN_S
            )
            and journal.exists()
        )


def _like_a_server(command: list[str]) -> list[str]:
    """Return the command line of a process with a server's priority, which ends with us."""
    own, deadly = str(os.getpid()), str(int(signal.SIGKILL))
    return [sys.executable, "-I", "-S", str(LAUNCH), own, deadly, str(NICENESS), "-", *command]


def storm(field: Field) -> Storm:
    """Return what has sinks come and go."""
    return Storm(field)

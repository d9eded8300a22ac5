"""The consumer's side in the load's process: starts the process that watches, and takes what it saw."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable

import gevent
import msgspec
from gevent import subprocess
from gevent.os import make_nonblocking, nb_read

from seawall.load.kafka.errors import KafkaUnusable
from seawall.load.kafka.watch import SIGHTING, Begun, Watch
from seawall.stack.places import ROOT

BEGIN_WITHIN_S, END_WITHIN_S = 20.0, 2.0
_READ_BYTES = 256 * SIGHTING.size
"""So many are taken before others are let in."""


class Sightings:
    """One watching process; *see* hears the token of each record and when it was seen, *lose* that the process died."""

    def __init__(self, watch: Watch, see: Callable[[int, int], None], lose: Callable[[], None]) -> None:
        """Start it; `begin` has to follow."""
        self._watch = watch
        self._see, self._lose = see, lose
        self._rest = b""
        self._closing = False
        self._output, given = os.pipe()
        make_nonblocking(self._output)
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seawall.load.kafka.watch_process"],
                stdin=subprocess.PIPE,
                stdout=given,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C is for Locust, which ends this process
            )
        finally:
            os.close(given)
        self._reader: gevent.Greenlet | None = None

    def begin(self) -> None:
        """Return once all partitions are read, from where they end; raises `KafkaUnusable`."""
        with gevent.Timeout(BEGIN_WITHIN_S, KafkaUnusable("the consumer that watches for records did not start")):
            self._ask(self._watch)
        self._reader = gevent.spawn(self._read)

    def close(self) -> None:
        """End the process, and wait for it."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join(END_WITHIN_S)
            self._reader.kill()
        os.close(self._output)

    def _ask(self, watch: Watch) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(watch) + b"\n")
            self._process.stdin.flush()
        line = b""
        while b"\n" not in line:
            more = nb_read(self._output, _READ_BYTES)
            if not more:
                raise KafkaUnusable("the consumer that watches for records ended at once; what it said stands above")
            line += more
        line, _, self._rest = line.partition(b"\n")
        begun = msgspec.json.decode(line, type=Begun)
        if begun.trouble:
            raise KafkaUnusable(f"the consumer that watches for records cannot read: {begun.trouble}")

    def _read(self) -> None:
        while more := nb_read(self._output, _READ_BYTES):
            data = self._rest + more
            whole = len(data) - len(data) % SIGHTING.size
            self._rest = data[whole:]
            for token, seen_ns in SIGHTING.iter_unpack(data[:whole]):
                self._see(token, seen_ns)
            if len(more) == _READ_BYTES:
                gevent.sleep(0)
        if not self._closing:
            self._lose()

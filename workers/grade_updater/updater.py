"""Computes grades in the database, where orders and users are; only what changed is written."""

from __future__ import annotations

import logging
import threading
import time

import msgspec

from contract.connections import Connections
from contract.fleet import Batch
from workers.fleet_tables import fleet_tables
from workers.grade_updater.settings import Settings

_log = logging.getLogger("workers.grade_updater")


class Updater:
    """Runs batch after batch until it is stopped."""

    def __init__(self, connections: Connections, settings: Settings) -> None:
        self._connections, self._settings = connections, settings
        self._stop = threading.Event()

    def run(self) -> None:
        """Run a batch at once, and then one each time the interval is over."""
        due_s = time.monotonic()
        while not self._stop.wait(max(0.0, due_s - time.monotonic())):
            batch = self.batch()
            print(msgspec.json.encode(batch).decode(), flush=True)
            if batch.failed:
                _log.warning("a batch failed: %s", batch.failed)
                due_s = time.monotonic() + self._settings.fleet_retry_s
            else:
                due_s = max(due_s + self._settings.fleet_grades_s, time.monotonic())

    def stop(self) -> None:
        """End after the batch that runs."""
        self._stop.set()

    def batch(self) -> Batch:
        """Bring all grades up to date in one transaction; what goes wrong is told by what is returned."""
        began_at, began_s = time.time(), time.monotonic()
        tables = fleet_tables(self._connections, "grade-updater")
        try:
            changed = tables.grade()
        except tables.errors as error:
            said = " ".join(str(error).split()) or type(error).__name__
            took_s = time.monotonic() - began_s
            return Batch(began_at=began_at, took_s=took_s, failed=said[:300])
        finally:
            tables.close()
        return Batch(began_at=began_at, took_s=time.monotonic() - began_s, changed=changed)

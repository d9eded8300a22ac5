"""Computes grades in the database, where orders and users are; only what changed is written."""

from __future__ import annotations

import logging
import threading
import time

import msgspec
import psycopg

from contract.fleet import GRADES, Batch
from workers.grade_updater.settings import Settings

_log = logging.getLogger("workers.grade_updater")
_GRADE = f"CASE {' '.join(f'WHEN orders >= {least} THEN {grade!r}' for grade, least in GRADES.items())} END"
_GRADED = f"""
INSERT INTO user_grades (user_id, grade, orders, buyer, draw, graded_at)
SELECT user_id, {_GRADE}, orders, true, random(), now()
FROM (SELECT o.user_id, count(*)::int AS orders FROM orders o JOIN users u ON u.id = o.user_id GROUP BY 1) counted
ON CONFLICT (user_id) DO UPDATE
SET grade = excluded.grade, orders = excluded.orders, buyer = true, graded_at = excluded.graded_at
WHERE user_grades.orders <> excluded.orders
"""  # noqa: S608 - made of our own constants
_WITHOUT_ORDERS = """
INSERT INTO user_grades (user_id, grade, orders, buyer, draw, graded_at)
SELECT id, 'none', 0, false, random(), now() FROM users u
WHERE NOT EXISTS (SELECT FROM user_grades g WHERE g.user_id = u.id)
"""


class Updater:
    """Runs batch after batch until it is stopped."""

    def __init__(self, psycopg_url: str, settings: Settings) -> None:
        self._url, self._settings = psycopg_url, settings
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
        try:
            with psycopg.connect(self._url, connect_timeout=3, application_name="seawall-grade-updater") as connection:
                changed = sum(connection.execute(query).rowcount for query in (_GRADED, _WITHOUT_ORDERS))
        except psycopg.Error as error:
            said = " ".join(str(error).split()) or type(error).__name__
            took_s = time.monotonic() - began_s
            return Batch(began_at=began_at, took_s=took_s, failed=said[:300])
        return Batch(began_at=began_at, took_s=time.monotonic() - began_s, changed=changed)

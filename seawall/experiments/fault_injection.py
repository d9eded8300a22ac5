"""Makes one fault beside the load of a trial, and puts everything back."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from seawall.load.trial import Progress
from seawall.stack.faults.fault import Disturbance


class Injection:
    """Begins a fault so long after the load did, holds it, and ends it; use as a context manager around the load."""

    def __init__(self, disturbance: Disturbance, *, after_s: float, hold_s: float) -> None:
        """*after_s* counts from the first answers."""
        self._disturbance = disturbance
        self._after_s, self._hold_s = after_s, hold_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault", daemon=True)
        self.begun_ns: int | None = None
        """Monotonic, before the fault was made; None where it did not come to that."""
        self.made_ns: int | None = None
        """Once it was there."""
        self.ended_ns: int | None = None
        """Before everything was put back."""
        self.error: Exception | None = None
        """What kept it from being made."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until everything is put back; at once where the load ended in disorder, or before the fault began."""
        if kind is not None or self.begun_ns is None:
            self._over.set()
        if self._thread.ident is None:
            return
        try:
            self._thread.join()
        except BaseException:
            self._over.set()
            self._thread.join()
            raise

    def load_goes_on(self, progress: Progress) -> None:
        """Notice the first answers."""
        if progress.answered and self._thread.ident is None:
            self._thread.start()

    def _run(self) -> None:
        if self._over.wait(self._after_s):
            return
        self.begun_ns = time.monotonic_ns()
        try:
            self._disturbance.begin()
            self.made_ns = time.monotonic_ns()
            self._over.wait(self._hold_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, everything is put back, and the trial says it
            self.error = error
        finally:
            self.ended_ns = time.monotonic_ns()
            try:
                self._disturbance.end()
            except Exception as error:  # noqa: BLE001 - as above
                self.error = self.error or error

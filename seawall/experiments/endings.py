"""How an experiment ends: whatever ends it, what was measured is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from seawall.advice.advise import advised
from seawall.experiments.errors import DiskFull, NotDrained, NotHealed
from seawall.result import Result
from seawall.stack.errors import StillBusy


class ResultSoFar(Protocol):
    """Makes the result of what is known by now."""

    def __call__(self, *, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
        """Return it; *reasons* are said to the reader."""
        ...


def run_to_an_end(
    work: Callable[[], None], result: ResultSoFar, write: Callable[[Result], None], *, anything: Callable[[], bool]
) -> Result:
    """Do *work*, then write the result with what its figures suggest, and return it.

    `KeyboardInterrupt` is not passed on where there is *anything* to write. Neither is what says that nothing goes on:
    a log that does not drain, a service that does not come back, a transaction that does not end, a disk that is full.
    Any other error is, after the result so far was written.
    """
    try:
        work()
        final = result()
    except KeyboardInterrupt:
        if not anything():
            raise
        final = result(interrupted=True, reasons=("interrupted before the end",))
    except (NotDrained, NotHealed, StillBusy, DiskFull) as obstacle:
        final = result(reasons=(str(obstacle),))
    except Exception as error:
        if anything():
            write(result(interrupted=True, reasons=(f"ended early: {error}",)))
        raise
    final = advised(final)
    write(final)
    return final

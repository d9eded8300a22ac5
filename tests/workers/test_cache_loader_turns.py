"""Which half the cache loader loads when."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from contract.connections import Connections
from contract.fleet import HALVES, Half, Loaded
from workers.cache_loader.loader import Loader
from workers.cache_loader.settings import Settings

NOWHERE = Connections(
    database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"), cache_url=SecretStr("redis://127.0.0.1:1")
)


class Clock:
    """Waits for nothing, notes how long it was to wait, and ends after so many times."""

    def __init__(self, times: int) -> None:
        self.waits: list[float] = []
        self._times = times

    def wait(self, timeout: float) -> bool:
        """Note it."""
        self.waits.append(timeout)
        return len(self.waits) > self._times


class Scripted(Loader):
    """Fails as it is told to."""

    def __init__(self, failing: set[int], clock: Clock) -> None:
        super().__init__(NOWHERE, Settings(fleet_refresh_s=100.0, fleet_retry_s=1.0))
        self.loaded: list[Half] = []
        self._failing = failing
        self._stop = clock  # type: ignore[assignment]  # all that is asked of it

    def load(self, half: Half) -> Loaded:
        """Note it."""
        self.loaded.append(half)
        return Loaded(half=half, began_at=0.0, took_s=0.0, failed="away" if len(self.loaded) in self._failing else "")


def test_both_halves_come_at_once_and_then_in_turn(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is read anew in the time between two loads of it."""
    loader = Scripted(set(), clock := Clock(4))
    loader.run()
    assert loader.loaded == [*HALVES, *HALVES]
    assert [round(wait) for wait in clock.waits] == [0, 0, 50, 100, 150]  # the clock stands still: from now on
    assert capsys.readouterr().out.count("\n") == 4


def test_after_a_failure_both_come_at_once_again() -> None:
    """Nobody knows what the cache has lost meanwhile; until then the same half is tried again and again."""
    loader = Scripted({3, 4}, clock := Clock(7))
    loader.run()
    first, second = HALVES
    assert loader.loaded == [first, second, first, first, first, second, first]
    assert [round(wait) for wait in clock.waits] == [0, 0, 50, 1, 1, 1, 51, 101]

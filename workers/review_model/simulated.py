"""What is simulated of a large model behind an HTTP API: its slowness, its limits, and its faults; all is counted."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass

from workers.review_model.settings import Settings

ERROR, NONSENSE, HALF = "error", "nonsense", "half"
_WHOLE = 1 << 32


@dataclass
class Counts:
    """What came in and how it was answered; calls are the sum of the others, but for `reviews` and `mute`."""

    calls: int = 0
    answered: int = 0
    throttled: int = 0
    errors: int = 0
    nonsense: int = 0
    halves: int = 0
    refused: int = 0
    reviews: int = 0
    """That were judged, one that was asked about again each time."""
    mute: int = 0
    """That were passed over since their texts are among those."""

    def as_json(self) -> dict[str, int]:
        """Return them by name."""
        return asdict(self)


class RateLimit:
    """A bucket of calls that fills at a rate; not for several threads."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, float(burst), clock
        self._left, self._at_s = self._burst, clock()

    def wait_s(self) -> float:
        """Take a call and return 0, or else take none and return after how many seconds there will be one."""
        if not self._per_s:
            return 0.0
        now_s = self._clock()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._per_s


class Faults:
    """Draws what goes wrong with each call; equal seeds give equal courses."""

    def __init__(self, settings: Settings) -> None:
        self._draw = random.Random(settings.model_simulated_seed)
        self._shares = (
            (ERROR, settings.model_simulated_errors),
            (NONSENSE, settings.model_simulated_nonsense),
            (HALF, settings.model_simulated_halves),
        )
        self._mute, self._seed = settings.model_simulated_mute, settings.model_simulated_seed

    def next(self) -> str:
        """Return the fault of the next call, or nothing."""
        drawn = self._draw.random()
        for name, share in self._shares:
            if drawn < share:
                return name
            drawn -= share
        return ""

    def is_mute(self, text: str) -> bool:
        """Tell whether nothing is ever said of *text*."""
        return zlib.crc32(text.encode("utf-8", "replace"), self._seed) < self._mute * _WHOLE

"""A server whose service times are known: it draws them from a stated distribution, and logs what each really took."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.server_process import ServerProcess, running
from seawall.audit.ledger import Int64s


@dataclass(frozen=True)
class Service:
    """What the server is asked to be: lognormal service times, and freezes in which nothing is answered."""

    median_ms: float
    sigma: float = 0.0
    """The standard deviation of the times' logarithms; 0: all alike."""
    freeze_ms: float = 0.0
    freeze_every_s: float = 5.0


@dataclass(frozen=True)
class ServerTimes:
    """What the server logged, in the order of its answers, monotonic nanoseconds; arrays of shape ``(requests,)``."""

    read_ns: Int64s
    """When the last byte of a request had been read."""
    answered_ns: Int64s
    """When its answer had been written."""

    @property
    def service_ms(self) -> npt.NDArray[np.float64]:
        """How long the server had each request."""
        times: npt.NDArray[np.float64] = (self.answered_ns - self.read_ns) / 1e6
        return times

    def freezes_ns(self, service: Service) -> Int64s:
        """Return start and end of each freeze from the first request to the last answer, shape ``(freezes, 2)``.

        They come at even steps, so those of which the log shows a silence tell of the others, too; there are none where
        it shows no silence.
        """
        ends = self.answered_ns[1:][np.diff(self.answered_ns) > 0.8 * service.freeze_ms * 1e6]
        if not len(ends):
            return np.empty((0, 2), np.int64)
        step, length = int(service.freeze_every_s * 1e9), int(service.freeze_ms * 1e6)
        late = (ends - ends[0] + step // 2) % step - step // 2  # the first answer after a freeze comes after its end
        first = int(ends[0] + late.min())
        before, after = (int(self.read_ns.min()) - first) // step, -((first - int(self.answered_ns.max())) // step)
        thaws = first + step * np.arange(before + 1, after + 1, dtype=np.int64)
        return np.stack([thaws - length, thaws], axis=1)


@contextlib.contextmanager
def known_server(log: Path, service: Service, seed: int) -> Iterator[ServerProcess]:
    """Run such a server; its *log* is complete afterwards."""
    options = {
        "--median-ms": service.median_ms,
        "--sigma": service.sigma,
        "--freeze-ms": service.freeze_ms,
        "--freeze-every-s": service.freeze_every_s,
        "--seed": seed,
        "--log": log,
    }
    with running("controls.latency_server", *(str(word) for pair in options.items() for word in pair)) as server:
        yield server


def read_times(log: Path) -> ServerTimes:
    """Read what a server has logged."""
    table = np.loadtxt(log, np.int64, delimiter=",", skiprows=1, ndmin=2)
    return ServerTimes(table[:, 0], table[:, 1])

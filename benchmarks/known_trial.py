"""One trial of the real generator against a server whose times are known."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import psutil

from benchmarks.errors import ProcessFailed
from benchmarks.known_server import ServerTimes, Service, known_server, read_times
from seawall.audit.ledger import Ledger, read_ledger
from seawall.experiments.load_process import LoadProcess
from seawall.load.trial import TrialDone, TrialLoad

FloatArray = npt.NDArray[np.float64]
RELATIVE, ABSOLUTE_MS = 0.01, 0.3
ASKED = "within 1 % or 0.3 ms"


@dataclass(frozen=True)
class KnownTrial:
    """What the generator and the server say of the same requests."""

    ledger: Ledger
    server: ServerTimes
    done: TrialDone
    others_share: float
    """Of one processor, what programs used that are neither generator nor server: a busy machine measures itself."""

    @property
    def response_ms(self) -> FloatArray:
        """From the moment a request was due to its answer, as Seawall judges it."""
        times: FloatArray = (self.ledger.answered_ns - self.ledger.intended_ns) / 1e6
        return times

    @property
    def service_ms(self) -> FloatArray:
        """From the sending to the answer."""
        times: FloatArray = (self.ledger.answered_ns - self.ledger.sent_ns) / 1e6
        return times

    @property
    def unhindered_ms(self) -> FloatArray:
        """The response time without what a user waited for its own answer before: the server saw none of that.

        Whatever the generator is late by for reasons of its own is in it.
        """
        times: FloatArray = self.service_ms + self.ledger.generator_lag_ns / 1e6
        return times

    def where_it_comes_from(self) -> str:
        """Say of which parts the mean error is made; exact, since both sides saw the same requests."""
        lag_ms = float(self.ledger.generator_lag_ns.mean()) / 1e6
        there_ms = _mean_difference_ms(self.server.read_ns, self.ledger.sent_ns)
        back_ms = _mean_difference_ms(self.ledger.answered_ns, self.server.answered_ns)
        health = self.done.health
        return (
            f"{lag_ms + there_ms + back_ms:.3f} ms too much on the mean: {lag_ms:.3f} from due to sent, {there_ms:.3f} "
            f"from sent to read by the server, {back_ms:.3f} from written to read by the generator; its loop was late "
            f"by {health.loop_lag_p99_ms:.2f} ms (p99), it used {100 * health.cpu_share:.0f} % of a processor, and "
            f"programs other than these two {100 * self.others_share:.0f} %"
        )


class Bystanders:
    """Adds up the processor time of all other programs, from its start to its end; use as a context manager."""

    def __init__(self, server: int) -> None:
        self._server = psutil.Process(server)

    def __enter__(self) -> Self:
        self._began_s, self._busy_s = time.monotonic(), self._used_s()
        return self

    def __exit__(self, *_: object) -> None:
        self._busy_s = self._used_s() - self._busy_s
        self._elapsed_s = time.monotonic() - self._began_s

    def share(self, generator_s: float) -> float:
        """Return their share of one processor, the generator having used *generator_s*."""
        return max(0.0, self._busy_s - generator_s) / self._elapsed_s

    def _used_s(self) -> float:
        machine, server = psutil.cpu_times(), self._server.cpu_times()
        return float(sum(machine) - machine.idle - machine.iowait - server.user - server.system)


def run_trial(service: Service, seed: int, **load: Any) -> KnownTrial:
    """Start a server, put one trial's *load* (fields of `TrialLoad`) on it, and return what both sides say.

    Raises `ProcessFailed` where they do not speak of the same requests, so that nothing else can be compared.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        trial = TrialLoad(name="known", path="grouped", entity="orders", seed=seed, directory=name, **load)
        with (
            known_server(directory / "server.csv", service, seed) as server_process,
            LoadProcess(server_process.url, directory / "load.log") as process,
            Bystanders(server_process.pid) as bystanders,
        ):
            done = process.run(trial, lambda _: None)
        ledger, server = read_ledger(Path(done.ledger)), read_times(directory / "server.csv")
    if len(ledger.status) != len(server.read_ns) or not bool(ledger.accepted.all()):
        raise ProcessFailed(
            f"the generator knows {int(ledger.accepted.sum())} answers of {len(ledger.status)} requests, the server "
            f"{len(server.read_ns)}: run it again while the machine does nothing else"
        )
    return KnownTrial(ledger, server, done, bystanders.share(done.cpu_s))


def within(measured_ms: float, truth_ms: float, allowance_ms: float = 0.0) -> bool:
    """Tell whether a time is within 1 % or 0.3 ms of the truth, whichever is larger, and *allowance_ms*."""
    return abs(measured_ms - truth_ms) <= max(RELATIVE * truth_ms, ABSOLUTE_MS) + allowance_ms


def error_in_words(measured_ms: float, truth_ms: float) -> str:
    """Return the difference, in ms and as a share of the truth."""
    difference_ms = measured_ms - truth_ms
    return f"{difference_ms:+.3f} ms ({difference_ms / truth_ms:+.2%})".replace("%", " %")


def _mean_difference_ms(later_ns: npt.NDArray[np.int64], earlier_ns: npt.NDArray[np.int64]) -> float:
    base = earlier_ns[0]  # nanoseconds since the start of the machine would lose their last digits as floats
    return float((later_ns - base).mean() - (earlier_ns - base).mean()) / 1e6

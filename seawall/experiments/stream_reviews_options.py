"""What `stream reviews` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from contract.reviews import LIST, RECORD
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, between
from seawall.result.reviews import BATCH, JOB, LISTS, SINGLE
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.options import StackOptions

ARMS: dict[str, tuple[str, str]] = {
    BATCH: ("batch", RECORD),
    SINGLE: ("single", RECORD),
    JOB: ("job", RECORD),
    LISTS: ("job", LIST),
}
"""Of each arm the worker's mode, and the shape of its messages."""
FAULTS = ("errors", "nonsense", "halves", "mute")
"""What the model's service can be told to do to shares of its calls; `mute` is a share of the texts."""
LEAST, MOST = 1, 100_000
MOST_BATCH, MOST_IN_FLIGHT = 1_000, 256


@dataclass(frozen=True, kw_only=True)
class ReviewsOptions:
    """The plan of a run."""

    reviews: int = 200
    jobs: int = 10
    rate_per_s: float = 40.0
    arms: tuple[str, ...] = tuple(ARMS)
    batch: int = 20
    wait_s: float = 10.0
    in_flight: int = 8
    latency_s: float = 1.0
    """Of each call, simulated."""
    latency_per_review_s: float = 0.0
    """And for each review in it."""
    calls_per_s: float = 0.0
    """The model answers more with 429; 0 has no limit."""
    faults: Mapping[str, float] = field(default_factory=dict)
    """Shares by the names of `FAULTS`."""
    model_url: str = ""
    """An OpenAI-compatible API to ask in place of our own service."""
    model: str = "seawall-lexicons"
    database: str = ""
    brokers: int | None = None
    drain_timeout_s: float = 120.0
    seed: int = 1

    def stack(self) -> StackOptions:
        """Return what a stack for the run looks like; reviews are stored as they are, too, by the ordinary sink."""
        return StackOptions(database=self.database, brokers=self.brokers or 1)

    def simulated(self) -> dict[str, object]:
        """Return what the model's service is told."""
        return {
            "latency_ms": self.latency_s * 1000,
            "ms_per_review": self.latency_per_review_s * 1000,
            "calls_per_s": self.calls_per_s,
            "seed": self.seed,
            **{name: self.faults.get(name, 0.0) for name in FAULTS},
        }

    def worker(self, arm: str) -> dict[str, object]:
        """Return what the worker is told in this *arm*."""
        mode, shape = ARMS[arm]
        return {
            "mode": mode,
            "shape": shape,
            "batch_size": self.batch,
            "batch_wait_s": self.wait_s,
            "in_flight": self.in_flight,
            "model_name": self.model,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def validate(self) -> None:
        """Raise `BadOptions` with every mistake found."""
        mistakes = list(self._mistakes())
        if mistakes:
            raise BadOptions(mistakes)

    def _mistakes(self) -> Iterator[str]:
        if not self.arms or len(set(self.arms)) != len(self.arms) or not set(self.arms) <= set(ARMS):
            yield f"--arms: some of {', '.join(ARMS)}, each once"
        yield from between("--reviews", self.reviews, LEAST, MOST)
        yield from between("--jobs", self.jobs, 1, max(1, self.reviews))
        yield from between("--batch", self.batch, 1, MOST_BATCH)
        yield from between("--in-flight", self.in_flight, 1, MOST_IN_FLIGHT)
        yield from between("--rate", self.rate_per_s, 0.01, 10_000)
        yield from between("--wait", self.wait_s, 0.01, 3_600)
        yield from between("--latency", self.latency_s, 0, 600)
        yield from between("--latency-per-review", self.latency_per_review_s, 0, 60)
        yield from between("--rate-limit", self.calls_per_s, 0, 100_000)
        if not set(self.faults) <= set(FAULTS) or not all(0 <= share <= 1 for share in self.faults.values()):
            yield f"--faults: shares of {', '.join(FAULTS)}, like errors=0.05"
        elif sum(share for name, share in self.faults.items() if name != "mute") >= 1:
            yield "--faults: so large a share of calls that none is answered"
        if self.model_url and not self.model_url.startswith(("http://", "https://")):
            yield "--model-url: the base of an API, like http://127.0.0.1:8000/v1"
        if self.model_url and (self.faults or self.calls_per_s):
            yield "--model-url: a model of yours has its own faults and limits; leave out --faults and --rate-limit"
        yield from above_zero("--drain-timeout", self.drain_timeout_s)
        try:
            self.stack().checked()
        except BadStackOptions as error:
            yield f"--database, --brokers: {error}"

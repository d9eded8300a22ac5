"""What autoscalers look at, read from a running stack, and how many processes each figure asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from seawall.experiments.autoscale import Average, by_average_of, by_sum, counted_lag
from seawall.stack.errors import Unreachable
from seawall.stack.samples import Samples, read_page
from seawall.stack.stack import Stack

_UNDER_WAY = "seawall_requests_under_way"
Names = Callable[[], list[str]]
"""Returns those who are wanted; one that was told to end counts no more, as a pod that terminates."""


class Reading(NamedTuple):
    """A metric at a moment."""

    metric: str
    says: str
    """Figure and target in words, or why there is no figure."""
    proposal: int | None
    """How many processes it asks for; None where nothing is known."""


class Metric(Protocol):
    """Something to scale by."""

    def read(self, current: int) -> Reading:
        """Return what it says now, while *current* processes are wanted."""
        ...


class LagMetric:
    """KEDA's trigger for Kafka: the records that the sinks' group has not committed, over all topics."""

    def __init__(self, stack: Stack, lag_each: float) -> None:
        self._stack, self._each = stack, lag_each

    def read(self, current: int) -> Reading:
        """Ask the brokers, as KEDA does."""
        try:
            lag = counted_lag(self._stack.lags().values(), round(self._each))
        except Unreachable as error:
            return Reading("lag", f"lag: {error}", None)
        return Reading("lag", f"lag {lag:,}, {self._each:,.0f} each", by_sum(current, lag, self._each))


class CpuMetric:
    """The processor time of API processes since the reading before, against a share of what each asks for."""

    def __init__(self, stack: Stack, names: Names, cores_each: float, utilization: float) -> None:
        self._stack, self._names = stack, names
        self._request, self._target = cores_each, cores_each * utilization
        now_s = time.monotonic()
        self._before = {name: (use.cpu_s, now_s) for name, use in stack.resources().items()}

    def read(self, current: int) -> Reading:
        """Read their use; who was not there at the reading before is missing."""
        names, now_s = self._names(), time.monotonic()
        used = {name: use.cpu_s for name, use in self._stack.resources().items() if name in names}
        shares = [
            (cpu_s - before[0]) / (now_s - before[1])
            for name, cpu_s in used.items()
            if (before := self._before.get(name)) is not None and now_s > before[1] and cpu_s >= before[0]
        ]
        self._before = {name: (cpu_s, now_s) for name, cpu_s in used.items()}
        shown = Average(sum(shares), len(shares), len(names) - len(shares))
        proposal = by_average_of(current, shown, self._target, missing_is=max(self._request, self._target))
        if proposal is None:
            return Reading("CPU", f"CPU: none of {len(names)} processes has been there for two readings", None)
        average = shown.total / shown.there
        return Reading("CPU", f"CPU {average * 1e3:,.0f}m each, {self._target * 1e3:,.0f}m asked", proposal)


class UnderWayMetric:
    """Requests that have no answer yet, as each API process shows them to Prometheus."""

    def __init__(self, stack: Stack, names: Names, each: float) -> None:
        self._stack, self._names, self._each = stack, names, each

    def read(self, current: int) -> Reading:
        """Read the pages; a process without one is missing."""
        names, services = self._names(), self._stack.state.services
        figures, problem = [], ""
        for name in names:
            try:
                page = Samples.parse(read_page(services[name].metrics_url), _UNDER_WAY)
            except (Unreachable, ValueError) as error:
                problem = str(error)
            else:
                if _UNDER_WAY in page:
                    figures.append(page.sum(_UNDER_WAY))
                else:
                    problem = f"{services[name].metrics_url} does not show {_UNDER_WAY}"
        shown = Average(sum(figures), len(figures), len(names) - len(figures))
        proposal = by_average_of(current, shown, self._each, missing_is=self._each)
        if proposal is None:
            return Reading("requests under way", f"requests under way: {problem or 'there is no process'}", None)
        average = shown.total / shown.there
        return Reading(
            "requests under way", f"{average:,.1f} requests under way each, {self._each:,.1f} asked", proposal
        )

"""Samples as processes show them to Prometheus, and what PromQL would make of them."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Collection
from itertools import pairwise
from typing import NamedTuple, Self

from prometheus_client.parser import text_string_to_metric_families

from seawall.stack.errors import Unreachable

_TIMEOUT_S = 5.0
Wanted = str | Collection[str] | None
"""A label's value, or several, any of which will do; nothing takes all."""


class Sample(NamedTuple):
    """What a figure is of."""

    name: str
    labels: tuple[tuple[str, str], ...]
    """Sorted by their names."""


class Samples:
    """Counts and figures at one moment, of one process or of several together.

    What happened between two moments is their difference.
    """

    def __init__(self, samples: dict[Sample, float] | None = None) -> None:
        self._samples = samples or {}

    @classmethod
    def parse(cls, text: str, prefix: str = "seawall_") -> Self:
        """Read what one process shows, as far as its name begins with *prefix*; raises `ValueError`."""
        return cls(
            {
                Sample(sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in text_string_to_metric_families(text)
                if family.name.startswith(prefix)
                for sample in family.samples
            }
        )

    def __add__(self, other: Self) -> Self:
        """Return the counts of both together."""
        keys = self._samples | other._samples
        return type(self)({key: self._samples.get(key, 0.0) + other._samples.get(key, 0.0) for key in keys})

    def __sub__(self, earlier: Self) -> Self:
        """Return what was counted since *earlier*."""
        return type(self)({key: count - earlier._samples.get(key, 0.0) for key, count in self._samples.items()})

    def __contains__(self, name: str) -> bool:
        """Tell whether there is any sample of that name."""
        return any(sample.name == name for sample in self._samples)

    @property
    def began_anew(self) -> bool:
        """Whether a process was started again in between: of a difference, a count is then below 0, or may be."""
        return any(count < 0 for sample, count in self._samples.items() if sample.name.endswith(("_total", "_bucket")))

    def sum(self, name: str, **wanted: Wanted) -> float:
        """Return the sum of a metric over all samples with the *wanted* labels."""
        return sum(self._values(name, wanted).values())

    def by(self, name: str, label: str, **wanted: Wanted) -> dict[str, float]:
        """Return the same for each value of *label*."""
        found: dict[str, float] = {}
        for labels, value in self._values(name, wanted).items():
            key = dict(labels).get(label, "")
            found[key] = found.get(key, 0.0) + value
        return found

    def quantile(self, name: str, share: float, **wanted: Wanted) -> float | None:
        """Return a quantile of a histogram, as PromQL's `histogram_quantile` reckons it; None of no values."""
        below = {float(bound): count for bound, count in self.by(f"{name}_bucket", "le", **wanted).items()}
        cumulated = [(0.0, 0.0), *sorted(below.items())]
        aim = share * cumulated[-1][1]
        if not aim:
            return None
        for (low, before), (bound, up_to) in pairwise(cumulated):
            if up_to >= aim:
                return low if bound == float("inf") else low + (bound - low) * (aim - before) / (up_to - before)
        return None

    def _values(self, name: str, wanted: dict[str, Wanted]) -> dict[tuple[tuple[str, str], ...], float]:
        asked = {
            label: {values} if isinstance(values, str) else set(values) for label, values in wanted.items() if values
        }
        return {
            sample.labels: value
            for sample, value in self._samples.items()
            if sample.name == name and all(dict(sample.labels).get(label) in values for label, values in asked.items())
        }


def read_page(url: str) -> str:
    """Return what a process shows at *url*; raises `Unreachable`."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - addresses of our own servers
            return str(answer.read().decode())
    except (OSError, ValueError, http.client.HTTPException, urllib.error.URLError) as error:
        raise Unreachable(f"{url} does not show what it counts ({error}); see its log") from error

"""What lookups have counted, as API processes show it on `/metrics`."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from seawall.stack.errors import Unreachable

LEVELS = ("memory", "shared", "database", "nobody")
"""Who can have answered a lookup, as the label ``answered_by`` says it."""
_PREFIX = "seawall_lookup"
_TIMEOUT_S = 5.0


class _Sample(NamedTuple):
    name: str
    entity: str
    level: str
    bound: str


class LookupSamples:
    """Counts at one moment, of one process or of several together.

    What happened between two moments is their difference.
    """

    def __init__(self, samples: dict[_Sample, float]) -> None:
        self._samples = samples

    @classmethod
    def parse(cls, text: str) -> LookupSamples:
        """Read what one process shows."""
        return cls(
            {
                _Sample(sample.name, *(sample.labels.get(name, "") for name in ("entity", "answered_by", "le"))):
                sample.value
                for family in text_string_to_metric_families(text)
                if family.name.startswith(_PREFIX)
                for sample in family.samples
            }
        )  # fmt: skip

    def __add__(self, other: LookupSamples) -> LookupSamples:
        """Return the counts of both together."""
        keys = self._samples | other._samples
        return LookupSamples({key: self._samples.get(key, 0.0) + other._samples.get(key, 0.0) for key in keys})

    def __sub__(self, earlier: LookupSamples) -> LookupSamples:
        """Return what was counted since *earlier*."""
        return LookupSamples({key: count - earlier._samples.get(key, 0.0) for key, count in self._samples.items()})

    @property
    def began_anew(self) -> bool:
        """Whether a process was started again in between: of a difference, a count is then below 0, or may be."""
        return any(count < 0 for sample, count in self._samples.items() if sample.name.endswith(("_total", "_bucket")))

    def total(self, name: str, entities: Collection[str] = (), *, answered_by: str | None = None) -> float:
        """Return the sum of a metric over *entities*, over all of them where none is named."""
        return sum(
            count
            for sample, count in self._samples.items()
            if sample.name == name
            and (not entities or sample.entity in entities)
            and answered_by in (None, sample.level)
        )

    def quantile_s(self, level: str, share: float, entities: Collection[str] = ()) -> float | None:
        """Return a quantile of what *level* took, as PromQL's `histogram_quantile` reckons it; None of no lookups."""
        below: dict[float, float] = {}
        for sample, count in self._samples.items():
            if sample.name == "seawall_lookup_seconds_bucket" and sample.level == level:
                bound = float(sample.bound)
                below[bound] = below.get(bound, 0.0) + (count if not entities or sample.entity in entities else 0.0)
        cumulated = [(0.0, 0.0), *sorted(below.items())]
        wanted = share * cumulated[-1][1]
        if not wanted:
            return None
        for (low, before), (bound, up_to) in pairwise(cumulated):
            if up_to >= wanted:
                return low if bound == float("inf") else low + (bound - low) * (wanted - before) / (up_to - before)
        return None


def read_lookups(urls: Iterable[str]) -> LookupSamples | None:
    """Return what the processes at these ``/metrics`` have counted together; None where there is none.

    Raises `Unreachable`.
    """
    found: LookupSamples | None = None
    for url in urls:
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - addresses of our own servers
                samples = LookupSamples.parse(answer.read().decode())
        except (OSError, ValueError, http.client.HTTPException, urllib.error.URLError) as error:
            raise Unreachable(f"{url} does not show what the API counts ({error}); see its log") from error
        found = samples if found is None else found + samples
    return found

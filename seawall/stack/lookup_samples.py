"""What lookups have counted, as API processes show it on `/metrics`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from seawall.stack.samples import Samples, read_page

LEVELS = ("memory", "shared", "database", "nobody")
"""Who can have answered a lookup, as the label ``answered_by`` says it."""
_PREFIX = "seawall_lookup"


class LookupSamples(Samples):
    """Those of the lookups alone."""

    def total(self, name: str, entities: Collection[str] = (), *, answered_by: str | None = None) -> float:
        """Return the sum of a metric over *entities*, over all of them where none is named."""
        return self.sum(name, entity=entities, answered_by=answered_by)

    def quantile_s(self, level: str, share: float, entities: Collection[str] = ()) -> float | None:
        """Return a quantile of what *level* took; None of no lookups."""
        return self.quantile("seawall_lookup_seconds", share, answered_by=level, entity=entities)


def read_lookups(urls: Iterable[str]) -> LookupSamples | None:
    """Return what the processes at these ``/metrics`` have counted together; None where there is none.

    Raises `Unreachable`.
    """
    found: LookupSamples | None = None
    for url in urls:
        samples = LookupSamples.parse(read_page(url), _PREFIX)
        found = samples if found is None else found + samples
    return found

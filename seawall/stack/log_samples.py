"""What the clients of the log have counted, as API processes and sinks show it on `/metrics`."""

from __future__ import annotations

from seawall.stack.samples import Samples, read_page
from seawall.stack.state import StackState

_PREFIXES = {"api": "seawall_producer", "sink": "seawall_sink"}


def read_log_samples(state: StackState) -> Samples | None:
    """Return what producers and sinks have counted together; None where one kind of them shows nothing.

    Raises `Unreachable`.
    """
    found: dict[str, Samples] = {}
    for service in state.services.values():
        prefix = _PREFIXES.get(service.kind)
        if prefix is not None and service.metrics_url:
            mine = Samples.parse(read_page(service.metrics_url), prefix)
            found[service.kind] = found.get(service.kind, Samples()) + mine
    return found["api"] + found["sink"] if len(found) == len(_PREFIXES) else None

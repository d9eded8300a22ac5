"""How a run of k6 stands, as k6's own REST API tells while it goes on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence

from seawall.load.k6_run import K6Load
from seawall.load.live_wire import Endpoint, LiveFigures

_WITHIN_S = 1.0
_LOOK_BACK = 9
"""So many readings of its processor time are some two seconds."""


def k6_figures(address: str, load: K6Load, cpu: Sequence[tuple[int, float]]) -> LiveFigures | None:
    """Return how the run stands that k6 tells of at *address*; None where it does not answer, or not yet.

    Of response times k6 tells quantiles alone, and counts them from the sending: they are not among the figures.
    """
    try:
        with urllib.request.urlopen(f"http://{address}/v1/metrics", timeout=_WITHIN_S) as answer:
            found = {one["id"]: one["attributes"]["sample"] for one in json.load(answer)["data"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    requests = _count(found, "http_reqs", "count")
    failures = round(requests * _count(found, "http_req_failed", "rate"))
    return LiveFigures(
        running=True,
        users=round(_count(found, "vus", "value")),
        users_wanted=load.users,
        workers={},
        endpoints=[Endpoint("", load.scenario, round(requests), failures, 0.0, [])],
        unsent=round(_count(found, "dropped_iterations", "count")),
        cpu_share=_cores(cpu[-_LOOK_BACK:]),
    )


def _count(found: Mapping[str, Mapping[str, float]], metric: str, of: str) -> float:
    return found.get(metric, {}).get(of, 0.0)


def _cores(cpu: Sequence[tuple[int, float]]) -> float | None:
    """Return how many cores were kept busy over these readings."""
    (begin_ns, before_s), (end_ns, after_s) = cpu[0], cpu[-1]
    return (after_s - before_s) / ((end_ns - begin_ns) / 1e9) if end_ns > begin_ns else None

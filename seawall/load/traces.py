"""Which requests of a load process are traced, and where their traces go.

Without ``--trace-share`` there is nothing of this.
"""

from __future__ import annotations

import logging
import random

from contract.errors import BadTracing
from contract.spans import Spans, is_asked_for, spans_of
from seawall.stack.state import StackState, read_state

SERVICE = "seawall-load"
KAFKA = "kafka://"
_NOWHERE = (
    "--trace-share needs somewhere to send traces: start the stack by `bin/seawall up --trace 0%`, or name a collector"
    " by OTEL_EXPORTER_OTLP_ENDPOINT"
)

logger = logging.getLogger(__name__)


class LoadTraces:
    """What begins the traces of one process's requests."""

    def __init__(self, spans: Spans, share: float, seed: int) -> None:
        self.spans, self._share = spans, share
        self._draw = random.Random(f"{seed}/traces").random  # of its own: what users draw stays what it was

    @classmethod
    def of(cls, share: float, seed: int, worker: int) -> LoadTraces | None:
        """Return what traces that *share* of requests; None for none, and where this host knows no place for them."""
        if not share:
            return None
        try:
            spans = spans_of(SERVICE, f"worker-{worker}", _collector())
        except BadTracing as error:
            logger.warning("no request of this process is traced: %s", error)
            return None
        if spans is None:
            logger.warning("no request of this process is traced: %s", _NOWHERE)
            return None
        return cls(spans, share, seed)

    def chooses(self) -> bool:
        """Tell whether the next request is traced."""
        return self._draw() < self._share


def check_traces(share: float, host: str, *, judged: bool) -> None:
    """Raise `ValueError` where traces of this *share* could go nowhere, or would be of a run that is *judged*."""
    state = read_state()
    if judged:
        instead = "traces take time that would be judged: give --no-verdict, or"
        if share:
            raise ValueError(f"{instead} leave --trace-share out")
        if state is not None and state.options.trace is not None and _is_at(host, state):
            raise ValueError(f"{instead} start the stack without --trace")
    if share and not (is_asked_for() or _collector()):
        raise ValueError(_NOWHERE)


def _is_at(host: str, state: StackState) -> bool:
    """Tell whether *host* is the API of a stack, or its brokers, whose records the sinks would look at."""
    brokers = state.environment.get("SEAWALL_KAFKA_BOOTSTRAP_SERVERS")
    return host.rstrip("/") in (state.api_url, f"{KAFKA}{brokers}")


def _collector() -> str:
    state = read_state()
    return state.trace_url if state else ""

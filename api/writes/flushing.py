"""`kafka` with a `flush()` after every so many records, as many services have it; it is here to be measured.

`flush()` waits until all that was handed over is acknowledged, so no request is served meanwhile, and a batch holds no
more than what came between two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.settings import Settings
from api.writes.kafka import KafkaPath
from api.writes.protocol import Settle
from contract.entities import Entity, Record
from contract.registry import Registry


class FlushingPath(KafkaPath):
    """Answers after the acknowledgement, for which it waits together with everybody else's."""

    def __init__(self, connection: dict[str, Any], settings: Settings, registry: Registry | None = None) -> None:
        super().__init__(connection, settings, registry)
        self._every = settings.kafka_flush_every
        self._unflushed = 0

    def submit(self, entity: Entity, record: Record, settle: Settle, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Publish *record*, and flush where it is time; *settle* may hear of the ack before this returns."""
        super().submit(entity, record, settle, headers)
        self._unflushed += 1
        if self._unflushed >= self._every:
            self._unflushed = 0
            assert self._producer is not None
            self._producer.flush(self._flush_s)

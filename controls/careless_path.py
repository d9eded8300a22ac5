"""The path through Kafka that may be told to wait for no broker: `acks=0`, without idempotence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.problems import Problem
from api.settings import Settings
from api.writes.kafka import KafkaPath
from api.writes.protocol import Logged, Settle, Stored
from contract.entities import Entity, Record
from controls.faults import API_FAULTS, Choice, DeedLog


class CarelessPath(KafkaPath):
    """The real path, with a second producer that calls a record delivered once it has left the process."""

    def __init__(self, connection: dict[str, Any], settings: Settings) -> None:
        super().__init__(connection, settings)
        self._careless = KafkaPath({**connection, "acks": 0, "enable.idempotence": False}, settings)
        self._choice, self._log = Choice(API_FAULTS), DeedLog("api-producer")

    async def start(self) -> None:
        """Create both producers."""
        await super().start()
        await self._careless.start()

    async def stop(self) -> int:
        """Deliver what is queued in both."""
        return await super().stop() + await self._careless.stop()

    def submit(self, entity: Entity, record: Record, settle: Settle, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Publish *record* by the producer that is planted now."""
        if self._choice.current().name != "acks-0":
            super().submit(entity, record, settle, headers)
            return

        def sent(outcome: Stored | Logged | Problem) -> None:
            if isinstance(outcome, Logged):
                self._log.add("acks-0", "sent", str(record.id))
            settle(outcome)

        self._careless.submit(entity, record, sent, headers)

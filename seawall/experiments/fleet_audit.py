"""The audit of orders whose contents a producer chose: its journal tells what each of them holds."""

from __future__ import annotations

import msgspec
import numpy as np

from contract.entities import Entity
from seawall.audit.ledger import Int64s, Ledger
from seawall.experiments.fleet_load import FleetLoad
from seawall.experiments.trial_audit import TrialAudit
from seawall.stack.stack import Stack


class FleetAudit(TrialAudit):
    """Holds each row against the order in the journal."""

    def __init__(self, stack: Stack, load: FleetLoad) -> None:
        super().__init__(stack)
        self._load = load

    def _expected(self, ledger: Ledger, entity: Entity, mine: Int64s) -> Int64s:
        orders = {(line.user, line.sequence): line.order for line in self._load.noted.orders}
        sent = zip(ledger.user[mine].tolist(), ledger.sequence[mine].tolist(), strict=True)
        contents = [msgspec.structs.asdict(order) for key in sent if (order := orders[key]) is not None]
        return self._rows.digests_of(entity, contents) if contents else np.zeros(0, dtype=np.int64)

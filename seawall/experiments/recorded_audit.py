"""The audit of a plain Locust run, where it loaded the stack that is up and wrote records of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from seawall.audit.fates import Partitions
from seawall.audit.ledger import Int64s, Ledger
from seawall.experiments.draining import drain
from seawall.experiments.trial_audit import TrialAudit, Watched
from seawall.load.run_record import RunRecord
from seawall.load.trial import TrialLoad
from seawall.result import AuditCounts
from seawall.stack.stack import Stack

DRAIN_TIMEOUT_S = 120.0
PROOF_PAUSE_S = 0.1
THROUGH_THE_LOG = ("POST /v1/kafka/", "KAFKA ")
"""What endpoints of records begin with that went through the log: by the API, or straight."""
DID_NOT_RUN = "did not run"


@dataclass(frozen=True)
class RecordedAudit:
    """What the audit found, or why it did not run."""

    note: str
    ran: bool = False
    visible_ns: Int64s | None = None
    partition: Partitions | None = None
    visible_by: str = "answer"
    counts: AuditCounts = field(default_factory=AuditCounts)
    examples: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """What makes the run a FAIL."""


NOT_AUDITED = RecordedAudit(f"{DID_NOT_RUN} (no database was given)")
NOT_YET_AUDITED = RecordedAudit("runs at the end")

Said = Callable[[str, int], None]
"""Hears which step an audit is at, ``draining`` or ``auditing``, and how many records it is about."""


def unheard(step: str, records: int) -> None:
    """Let nobody hear it."""


def audited_run(ledger: Ledger, record: RunRecord, stack: Stack, said: Said = unheard) -> RecordedAudit:
    """Wait until the log has drained, and hold the ledger's records against it and the tables."""
    written = ledger.entity != 0
    if not written.any():
        return RecordedAudit(f"{DID_NOT_RUN} (no request wrote a record)")
    logged = [number for number, name in enumerate(ledger.endpoints) if name.startswith(THROUGH_THE_LOG)]
    by_log = written & np.isin(ledger.endpoint, np.array(logged, dtype=np.uint8))
    through_the_log = bool(by_log.any())
    proof = drain(
        stack,
        through_the_log=through_the_log,
        timeout_s=DRAIN_TIMEOUT_S,
        pause_s=PROOF_PAUSE_S,
        on_lag=lambda lag: said("draining", lag),
    )
    said("auditing", int(written.sum()))
    load = TrialLoad(
        name="locust",
        path="kafka" if through_the_log else "direct",
        entity=record.entity,
        users=record.users,
        seed=record.seed,
        directory="",
        partitions=record.partitions,
    )
    cut_short = tuple(share.worker for share in record.processes if not share.complete)
    with TrialAudit(stack) as audit:
        found = audit.audit(load, ledger, Watched(), cut_short)
    if through_the_log:  # beside the log, a record is visible with its answer
        direct = written & ~by_log & ledger.accepted
        found.visible_ns[direct] = ledger.answered_ns[direct]
    counts, examples = found.whole.counts, found.whole.examples
    wrong = [
        f"{count} {name.replace('_', ' ')}" + (f", the first {examples[name][0]}" if examples.get(name) else "")
        for name, count in counts.violations.items()
    ]
    if proof.last.lag:
        wrong.append("the log was not drained when the time was up")
    note = f"ran over {counts.attempted:,} records, in the tables of the stack that is up"
    if counts.unnoted:
        note += f"; {counts.unnoted:,} more rows are those of a worker that died before it had noted them"
    return RecordedAudit(
        note=note,
        ran=True,
        visible_ns=found.visible_ns,
        partition=found.partition,
        visible_by="journal" if through_the_log else "answer",
        counts=counts,
        examples=examples,
        wrong=wrong,
    )

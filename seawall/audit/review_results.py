"""Holds results and dead letters against the reviews that were sent: each has one or the other, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from contract.connections import Connections
from contract.engine import engine_of
from contract.entities import Review
from contract.tables import review_results
from seawall.audit.errors import AuditFailed
from seawall.audit.group_letters import letters_of_reviews

_EXAMPLES = 5


@dataclass
class ReviewAudit:
    """What was found; all but the first three should be 0."""

    judged: int = 0
    buried: int = 0
    sentiments: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    """Acknowledged by the log, and without a result."""
    phantom: int = 0
    """Results of reviews that nobody sent."""
    mislabelled: int = 0
    """Results under another job than their review's."""
    unlettered: int = 0
    """Given up, and not among the dead letters."""
    both: int = 0
    """Judged, and among the dead letters as well."""
    misordered: int = 0
    """Written before an earlier review of the same job."""
    examples: list[str] = field(default_factory=list)

    def wrong(self) -> dict[str, int]:
        """Return what should be 0 and is not."""
        names = ("missing", "phantom", "mislabelled", "unlettered", "both", "misordered")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def audit_reviews(
    connections: Connections, sent: Mapping[UUID, Review], acked: set[UUID], written: Sequence[UUID]
) -> ReviewAudit:
    """Audit what was *sent*, of which the log has *acked*; *written* are reviews as the worker says it wrote them.

    Raises `AuditFailed`.
    """
    columns = review_results.c
    try:
        with engine_of(connections).connect() as connection:
            found = connection.execute(sa.select(columns.id, columns.job_id, columns.sentiment))
            rows = [(one.id, one.job_id, one.sentiment) for one in found]
    except sa.exc.SQLAlchemyError as error:
        raise AuditFailed(f"results of reviews could not be read: {error}") from None
    letters = {UUID(one) for one in letters_of_reviews(connections.kafka)}
    return reconciled(rows, letters, sent, acked, written)


def reconciled(
    rows: Sequence[tuple[UUID, UUID, str | None]],
    letters: set[UUID],
    sent: Mapping[UUID, Review],
    acked: set[UUID],
    written: Sequence[UUID],
) -> ReviewAudit:
    """Hold *rows* of id, job and sentiment, and the ids of dead *letters*, against what was sent."""
    judged = {row[0] for row in rows if row[2] is not None}
    buried = {row[0] for row in rows if row[2] is None}
    missing = acked - judged - buried
    phantom = {row[0] for row in rows} - sent.keys()
    mislabelled = {row[0] for row in rows if row[0] in sent and sent[row[0]].job_id != row[1]}
    misordered = _misordered(sent, written)
    found = ReviewAudit(
        judged=len(judged),
        buried=len(buried),
        sentiments=dict(Counter(str(row[2]) for row in rows if row[2] is not None)),
        missing=len(missing),
        phantom=len(phantom),
        mislabelled=len(mislabelled),
        unlettered=len(buried - letters),
        both=len(judged & letters),
        misordered=len(misordered),
    )
    wrong = [*missing, *phantom, *mislabelled, *(buried - letters), *(judged & letters), *misordered]
    found.examples = [str(one) for one in wrong[:_EXAMPLES]]
    return found


def _misordered(sent: Mapping[UUID, Review], written: Sequence[UUID]) -> list[UUID]:
    """Return the reviews that were first written after a later one of their job."""
    last: dict[UUID, int] = {}
    seen: set[UUID] = set()
    found = []
    for identity in written:
        review = sent.get(identity)
        if review is None or identity in seen:
            continue
        seen.add(identity)
        if review.review_id < last.get(review.job_id, -1):
            found.append(identity)
        last[review.job_id] = max(last.get(review.job_id, -1), review.review_id)
    return found

"""How reviews come to whoever has them judged: topics, the two shapes of a message, and names that processes share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from contract.entities import ENTITIES, Record, Review
from contract.errors import InvalidRecord
from contract.topics import PREFIX, topic_of

REVIEWS = ENTITIES["reviews"]
RECORD, LIST = "record", "list"
Shape = Literal["record", "list"]
"""A message holds one review, as on every write path, or the JSON list of all reviews of a job."""
TOPICS: dict[str, str] = {RECORD: topic_of(REVIEWS), LIST: PREFIX + "review-jobs"}
"""By shape. The key of a list is its job's id, 16 bytes; lists have no sink."""
GROUP = "seawall-reviews"
REVIEW_HEADER = "seawall-review"
"""The header of a dead letter that names its review: of a list only some may be dead."""
_list = msgspec.json.Decoder(list[Review])


def job_of(reviews: Sequence[Record]) -> bytes:
    """Return the message of all reviews of a job."""
    return msgspec.json.encode(reviews)


def reviews_in(value: bytes) -> list[Review]:
    """Return the reviews of a job's message; raises `InvalidRecord` where it is none, or holds one twice."""
    try:
        found = _list.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRecord(f"no list of reviews: {str(error)[:200]}") from None
    ids: set[UUID] = {one.id for one in found}
    if not found or len(ids) < len(found) or len({one.job_id for one in found}) > 1:
        raise InvalidRecord("not the reviews of one job, each once")
    if any("\0" in one.review_text for one in found):
        raise InvalidRecord("a NUL character cannot be stored")
    return found

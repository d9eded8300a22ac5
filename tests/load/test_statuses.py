"""What a ledger keeps of an answer, and what can be read from it."""

from __future__ import annotations

import numpy as np
import pytest

from api.problems import Unavailable
from seawall.load.statuses import parted, recorded_status

DENIES = Unavailable("too many wait").answer().body
LEAVES_OPEN = Unavailable("it did not answer", outcome_unknown=True).answer().body


@pytest.mark.parametrize(
    ("status", "failed", "content", "said"),
    [
        (201, False, b"{}", {"succeeded"}),
        (201, True, b"{}", {"overruled"}),
        (302, False, b"", {"succeeded", "overruled"}),
        (422, True, b"{}", set()),
        (500, True, DENIES, set()),
        (503, True, LEAVES_OPEN, set()),
        (503, True, b"", set()),
        (503, True, DENIES, {"denied"}),
        (503, False, DENIES, {"succeeded", "overruled"}),
        (0, True, b"", set()),
    ],
)
def test_status_word_of_the_user_and_word_of_the_service_are_kept_apart(
    status: int,
    failed: bool,  # noqa: FBT001 - a case
    content: bytes,
    said: set[str],
) -> None:
    """The service's own documents are what is read."""
    found = parted(np.array([recorded_status(status, failed=failed, content=content)], dtype=np.uint16))
    assert found.answered.tolist() == [status]
    assert {name for name in ("succeeded", "overruled", "denied") if getattr(found, name)[0]} == said

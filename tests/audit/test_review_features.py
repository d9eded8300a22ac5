"""Features are held against those that plain Python finds, message by message."""

from __future__ import annotations

import msgspec
import pytest

from contract.features import Features, canonical
from seawall.audit.review_features import Written, audit_features

IDS = [f"00000000-0000-8000-8000-00000000000{number}" for number in range(3)]


def features(identity: str, text: str = "so 좋다") -> bytes:
    """Return features, their names in another order than the canonical one."""
    found = Features(
        id=identity, job_id=IDS[0], rating=3, text=text, language="ko", words=2, quality=0.4, sentiment="positive",
        score=0.5, hour=1, weekday=2, weekend=False,
    )  # fmt: skip
    return msgspec.json.encode(dict(reversed(msgspec.structs.asdict(found).items())))


EXPECTED = {identity: canonical(features(identity)) for identity in IDS}


@pytest.mark.parametrize(
    ("values", "wrong", "repeats"),
    [
        ([(one, features(one)) for one in IDS], {}, 0),
        ([(one, features(one)) for one in (*IDS, IDS[1])], {}, 1),
        ([(one, features(one)) for one in IDS[:2]], {"missing": 1}, 0),
        ([*((one, features(one)) for one in IDS), ("else", features("else"))], {"phantom": 1}, 0),
        ([*((one, features(one)) for one in IDS), (IDS[0], features(IDS[0], "so"))], {"differing": 1}, 1),
        ([(IDS[0], b"\xff"), *((one, features(one)) for one in IDS[1:])], {"differing": 1}, 0),
        ([(IDS[0], b"{}"), *((one, features(one)) for one in IDS[1:])], {"differing": 1}, 0),
    ],
    ids=["all", "one again", "one not", "one too many", "one again and other", "no text", "no features"],
)
def test_each_review_has_its_features(values: list[tuple[str, bytes]], wrong: dict[str, int], repeats: int) -> None:
    """Each message counts, whichever comes first."""
    found = audit_features([Written(key, value, 0) for key, value in values], EXPECTED, set(IDS))
    assert found.wrong() == wrong
    assert found.repeats == repeats
    assert found.written == len(values)
    assert bool(found.examples) == bool(wrong)


def test_what_the_log_did_not_take_is_not_missing() -> None:
    """Nobody promised it."""
    found = audit_features([Written(IDS[0], features(IDS[0]), 0)], EXPECTED, {IDS[0]})
    assert found.wrong() == {}
    assert found.distinct == 1

"""Which partition is chosen, and that records lie there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from new_records import new_record
from service_processes import eventually, running_api

from api.writes.partitioners import BY_KEY, PARTITIONERS, Sticky
from contract.entities import ENTITIES
from contract.ids import mint, new_run
from seawall.stack.stack import Stack

RUN, TOPIC, PARTITIONS = new_run(), "seawall.users", 3
IDS = [mint(RUN, sequence, user, 2) for user in range(40) for sequence in range(1, 31)]


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


@pytest.mark.parametrize("name", PARTITIONERS)
def test_every_choice_is_a_partition(name: str) -> None:
    """Of a topic with one, too; by the key it is the client's."""
    for count in (1, PARTITIONS):
        choose = PARTITIONERS[name](0.0).choose
        chosen = {choose(identity, TOPIC, count) for identity in IDS}
        assert chosen == ({BY_KEY} if name == "key" else set(range(count)))


def test_a_users_records_stay_together_by_user_alone() -> None:
    """And users are spread; the explicit number spreads each user's records."""
    by_user, explicit = PARTITIONERS["user"](0).choose, PARTITIONERS["explicit"](0).choose
    for user in range(40):
        mine = [mint(RUN, sequence, user, 2) for sequence in range(1, 31)]
        assert len({by_user(one, TOPIC, PARTITIONS) for one in mine}) == 1
        assert Counter(explicit(one, TOPIC, PARTITIONS) for one in mine) == dict.fromkeys(range(PARTITIONS), 10)


def test_round_robin_is_even_for_each_topic() -> None:
    """Topics do not take turns from one another."""
    choose = PARTITIONERS["round-robin"](0).choose
    found = Counter((topic, choose(one, topic, PARTITIONS)) for one in IDS[:300] for topic in ("a", "b"))
    assert set(found.values()) == {100}


def test_a_sticky_one_stays_and_then_moves() -> None:
    """To another, as long as there is one."""
    now_s = [0.0]
    sticky = Sticky(1.0, lambda: now_s[0])
    before: set[int] = set()
    for period in range(20):
        now_s[0] = float(period)
        chosen = {sticky.choose(one, TOPIC, PARTITIONS) for one in IDS[:10]}
        assert len(chosen) == 1
        assert chosen != before
        before = chosen
    assert sticky.choose(IDS[0], TOPIC, 1) == 0


def test_records_lie_where_they_were_sent(stack: Stack, tmp_path: Path) -> None:
    """The API answers with the partition, which the broker has confirmed."""
    users = [new_record(ENTITIES["users"]) for _ in range(12)]
    with running_api(stack.connections, tmp_path, SEAWALL_PARTITION_BY="round-robin") as (client, _):
        eventually(lambda: client.get("/readyz").is_success)
        headers = {"content-type": "application/json"}
        answers = [client.post("/v1/kafka/users", content=msgspec.json.encode(one), headers=headers) for one in users]
    assert [answer.status_code for answer in answers] == [202] * 12
    count = stack.state.partitions
    assert [answer.json()["partition"] for answer in answers] == [number % count for number in range(12)]

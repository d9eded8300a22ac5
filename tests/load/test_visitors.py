"""What the users of a mix do, without any server."""

from __future__ import annotations

import subprocess
import sys

import pytest

from seawall.load.lookups import popular, product_url, user_url

COUNT = """
from collections import Counter
from seawall.load.visitors import Habits, Visitor, deeds_by, user_class
found = Counter(deed.__name__ for deed in deeds_by({"write": 30, "cached lookup": 60, "uncached lookup": 9.5,
                                                    "analytics": 0.5}))
print(sorted(found.items()))
print([deed.__name__ for deed in deeds_by({"write": 1, "analytics": 0})][:1], len(set(deeds_by({"write": 1}))))
print([issubclass(user_class("sync", {}, habits), Visitor) for habits in (Habits(), Habits(0.05), Habits(tls=0.2))])

class Client:
    closed = 0
    def close(self):
        self.closed += 1

anew = user_class("sync", {}, Habits(0.05))
visitor, client = object.__new__(anew), Client()
visitor.client = client
for visitor.number in range(1_000):
    visitor.arrive()
print(client.closed)
"""


@pytest.fixture(scope="module")
def counted() -> list[str]:
    """Ask in a process of its own, since Locust patches whoever imports it."""
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def test_requests_come_by_their_weights(counted: list[str]) -> None:
    """Four parts a thousandth of the mix: three of four cached lookups are users; analytics has its half per cent."""
    assert dict(eval(counted[0])) == {  # noqa: S307 - what this test itself printed
        "_write": 1_200, "_look_user_up": 1_800, "_look_product_up": 600, "_ask_the_database": 380, "_analyse": 20,
    }  # fmt: skip
    assert counted[1] == "['_write'] 1"


def test_writers_alone_stay_as_lean_as_they_are(counted: list[str]) -> None:
    """Only a mix, new connections or TLS make visitors of them."""
    assert counted[2] == "[False, True, True]"


def test_a_share_of_users_connects_anew_for_each_request(counted: list[str]) -> None:
    """Five per cent of a thousand are fifty."""
    assert counted[3] == "50"


def test_lookups_ask_for_a_few_far_more_often() -> None:
    """All are base rows, and the first comes more often than any."""
    drawn = [popular(200) for _ in range(5_000)]
    assert set(drawn) <= set(range(200))
    assert drawn.count(0) > 1_000
    assert user_url().startswith("/v1/users/")
    assert product_url().startswith("/v1/products/")

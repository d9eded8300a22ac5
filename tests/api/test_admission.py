"""Who is let in, told by clocks of the tests' own; and what a process does with more than it can serve."""

from __future__ import annotations

import asyncio
import math
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send

from api.admission import Crowd, LoopQueue, Queue, Rate
from api.guard import OpenDoor
from api.hot_path import HotPath
from api.settings import Settings

LONGEST_S, PATIENCE_S = 0.1, 0.5


class Overload:
    """A queue that is served at a rate while more come, all of them wanting to be served at once."""

    def __init__(self, served_per_s: float, offered_per_s: float) -> None:
        self.crowd = Crowd(LONGEST_S, PATIENCE_S)
        self.served_per_s, self.offered_per_s = served_per_s, offered_per_s
        self.now_s = 0.0
        self.came_s: list[float] = []
        self.waited_s: list[float] = []
        self.refused = 0
        self._served = self._offered = 0.0

    def run(self, seconds: float) -> None:
        """Let time pass, a millisecond at once."""
        for _ in range(round(seconds * 1_000)):
            self.now_s += 0.001
            self._served = (
                min(self._served + self.served_per_s / 1_000, 1.0)
                if not self.came_s
                else (self._served + self.served_per_s / 1_000)
            )
            while self._served >= 1 and self.came_s:
                self._served -= 1
                self.waited_s.append(self.now_s - self.came_s.pop(0))
            self._offered += self.offered_per_s / 1_000
            while self._offered >= 1:
                self._offered -= 1
                if self.came_s and self.crowd.refuses(self.now_s - self.came_s[0], self.now_s):
                    self.refused += 1
                else:
                    self.came_s.append(self.now_s)


def test_nobody_is_refused_below_capacity() -> None:
    """Nor where a stall of less than the patience makes all wait, and there is room to catch up."""
    queue = Overload(1_000, 500)
    queue.run(2)
    queue.served_per_s = 0
    queue.run(0.3)
    queue.served_per_s = 1_000
    queue.run(8)
    assert queue.refused == 0


def test_at_twice_the_capacity_all_of_it_is_served_in_time() -> None:
    """After the first second; the rest is refused, and when the load is gone nobody is refused any more."""
    queue = Overload(1_000, 2_000)
    queue.run(1.5)
    queue.waited_s.clear()
    queue.refused = 0
    queue.run(10)
    assert len(queue.waited_s) == pytest.approx(10_000, rel=0.01)
    assert queue.refused == pytest.approx(10_000, rel=0.05)
    assert max(queue.waited_s) < 2.5 * LONGEST_S
    queue.offered_per_s = 500
    queue.run(1)
    queue.refused = 0
    queue.run(5)
    assert queue.refused == 0


def test_when_nothing_is_served_any_more_newcomers_hear_it_at_once() -> None:
    """As soon as the patience is over, and until somebody is served again."""
    queue = Overload(1_000, 500)
    queue.run(1)
    queue.served_per_s = 0
    queue.run(LONGEST_S + PATIENCE_S + 0.01)
    queue.refused = 0
    queue.run(2)
    assert queue.refused == pytest.approx(1_000, abs=5)
    queue.served_per_s = 1_000
    queue.run(1)
    queue.refused = 0
    queue.run(2)
    assert queue.refused == 0


def test_a_queue_is_as_old_as_its_first_and_forgets_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order they leave."""
    now = [0.0]
    monkeypatch.setattr("api.admission.time.monotonic", lambda: now[0])
    queue = Queue(Settings(queue_longest_ms=100, queue_patience_ms=0))
    first, second = queue.join(), queue.join()
    now[0] = 0.2
    assert not queue.refuses()  # but begins to lose patience
    now[0] = 0.21
    assert queue.refuses()
    queue.leave(second)
    assert queue.refuses()
    queue.leave(first)
    queue.leave(first)
    assert not queue.refuses()
    assert queue.refused == 2


def test_a_crowd_heeds_what_is_expected_only_while_it_is_strict() -> None:
    """Where batches are served at once, who comes in the moment after one would wait for all others of that moment."""
    crowd = Crowd(LONGEST_S, PATIENCE_S)
    assert not crowd.refuses(0.0, 0.0, expected_s=9.0)
    for now_s in (1.0, 1.2, 1.4):
        assert not crowd.refuses(0.25, now_s)
    assert crowd.refuses(0.25, 1.6)
    assert crowd.refuses(0.0, 1.7, expected_s=0.11)
    assert not crowd.refuses(0.0, 1.8, expected_s=0.09)
    assert not crowd.refuses(0.0, 2.71, expected_s=9.0)  # a second after the last that was refused
    assert crowd.refused == 2


def test_a_rate_is_what_was_served_of_late() -> None:
    """Level where the same number comes again and again, and soon nothing where none comes any more."""
    rate = Rate()
    for number in range(1, 201):
        rate.add(20, number / 100)
    assert rate.per_s(2.0) == pytest.approx(2_000, rel=0.05)
    assert rate.per_s(2.5) == pytest.approx(2_000 / math.e, rel=0.05)
    assert rate.per_s(9.0) < 1


def test_a_loop_that_does_not_tick_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it was started, and after it was stopped, it is not."""
    now = [0.0]
    queue = LoopQueue(Settings(loop_longest_ms=100, queue_patience_ms=0), lambda: now[0])
    assert not queue.refuses()
    queue._due_s = 0.01  # what its tick would set
    now[0] = 0.1
    assert not queue.refuses()
    now[0] = 0.15
    assert not queue.refuses()
    now[0] = 0.2
    assert queue.refuses()
    queue.stop()
    assert not queue.refuses()


class Crowded:
    """A loop that has more to do than it can."""

    def refuses(self) -> bool:
        """Refuse whoever comes."""
        return True


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/users/1", 503),
        ("GET", "/v1/analytics/top-products", 503),
        ("POST", "/v1/nothing/here", 503),
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
    ],
)
def test_a_crowd_is_kept_from_reads_as_well(method: str, path: str, status: int) -> None:
    """They are most of what comes; health is asked by those who have to know it now above all."""
    sent: list[dict[str, Any]] = []

    async def application(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    hot_path = HotPath(application, {}, {}, {}, OpenDoor(), cast("LoopQueue", Crowded()), 1_000)
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    asyncio.run(hot_path(scope, cast("Receive", None), send))
    assert sent[0]["status"] == status
    if status == 503:
        assert (b"retry-after", b"1") in sent[0]["headers"]

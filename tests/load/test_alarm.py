"""Greenlets that wait for a moment of the monotonic clock."""

from __future__ import annotations

import subprocess
import sys

WAITING = """
import time, gevent
from seawall.load.alarm import alarm_clock

wait_until = alarm_clock().wait_until

start = time.monotonic_ns() + 500_000_000  # all are waiting by then, also on a busy machine
order = []

def wait(number, after_ms):
    wait_until(start + after_ms * 1_000_000)
    assert time.monotonic_ns() >= start + after_ms * 1_000_000
    order.append(number)

greenlets = [gevent.spawn(wait, number, after_ms) for number, after_ms in enumerate((60, 20, 40, 20, 0, -9_000))]
killed = gevent.spawn(wait, 9, 30)
gevent.sleep(0.01)
killed.kill()
gevent.joinall(greenlets)
wait_until(time.monotonic_ns() + 5_000_000)
assert killed.dead
print(order)
"""


def test_each_wakes_at_its_time_and_the_killed_never() -> None:
    """In the order of their times, equal ones in the order in which they came; the clock goes on after a kill."""
    done = subprocess.run([sys.executable, "-P", "-c", WAITING], capture_output=True, text=True, check=False)
    assert done.stdout == "[5, 4, 1, 3, 2, 0]\n", done.stderr


CROWD = """
import random, time, gevent
from seawall.load.alarm import CROWD, MOST_AT_ONCE, SLOT_NS, alarm_clock

clock = alarm_clock()
start = time.monotonic_ns() + 500_000_000
draw = random.Random(1)
dues = [start + draw.randrange(4 * SLOT_NS) for _ in range(20 * max(CROWD, MOST_AT_ONCE))]
dues += [start + 40 * SLOT_NS, start + 400 * SLOT_NS]  # far from the crowd, and each alone
woken = []

def wait(due_ns):
    clock.wait_until(due_ns)
    assert time.monotonic_ns() >= due_ns
    woken.append(due_ns)

greenlets = [gevent.spawn(wait, due_ns) for due_ns in dues]
gevent.sleep(0.01)
for greenlet in greenlets[:50]:
    greenlet.kill()
gevent.joinall(greenlets)
assert woken == sorted(dues[50:]), woken
print(len(woken))
"""


def test_a_crowd_wakes_in_its_order_and_nobody_early() -> None:
    """Hundreds in the same slots of time, some ended while they wait, and others far behind them."""
    done = subprocess.run([sys.executable, "-P", "-c", CROWD], capture_output=True, text=True, check=False)
    assert done.stdout == "272\n", done.stderr

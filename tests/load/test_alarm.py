"""Greenlets that wait for a moment of the monotonic clock."""

from __future__ import annotations

import subprocess
import sys

WAITING = """
import time, gevent
from seawall.load.alarm import wait_until

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

"""Wakes users at their intended times, to some tens of microseconds.

gevent's own timers end in ``epoll_wait``, which counts in whole milliseconds and is rounded up: requests would leave
0.7 ms late on the median. A ``timerfd`` is a file that becomes readable at its time, and epoll sees that at once.
"""

from __future__ import annotations

import ctypes
import heapq
import os
import time
from weakref import WeakKeyDictionary

from gevent.hub import Hub, Waiter, get_hub

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_READABLE = 1


class AlarmClock:
    """Any number of waiting greenlets behind one timer of the kernel; belongs to the hub that it was made in."""

    def __init__(self) -> None:
        self._system = ctypes.CDLL(None, use_errno=True)
        self._file = self._system.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "no timer could be had of the system")
        self._waiting: list[tuple[int, int, Waiter]] = []
        self._number = 0
        """Of the waiters so far: those due at the same moment wake in the order in which they came."""
        self._armed_ns: int | None = None
        self._setting = (ctypes.c_long * 4)()  # struct itimerspec: interval and time, seconds and nanoseconds of each
        self._watcher = get_hub().loop.io(self._file, _READABLE)
        self._watcher.start(self._ring)

    def wait_until(self, due_ns: int) -> None:
        """Return at *due_ns* of the monotonic clock; at once, and without letting others run, where that is past."""
        if due_ns <= time.monotonic_ns():
            return
        waiter = Waiter()
        self._number += 1
        heapq.heappush(self._waiting, (due_ns, self._number, waiter))
        if self._armed_ns is None or due_ns < self._armed_ns:
            self._arm(due_ns)
        waiter.get()  # a greenlet that is killed here leaves a waiter that wakes nobody

    def _arm(self, due_ns: int) -> None:
        self._armed_ns = due_ns
        self._setting[2], self._setting[3] = divmod(due_ns, 1_000_000_000)
        self._system.timerfd_settime(self._file, _ABSOLUTE, self._setting, None)

    def _ring(self) -> None:
        """Wake everyone who is due; runs in the hub."""
        try:
            os.read(self._file, 8)
        except BlockingIOError:  # set anew in the meantime
            return
        waiting = self._waiting
        while waiting and waiting[0][0] <= time.monotonic_ns():
            heapq.heappop(waiting)[2].switch(None)
        self._armed_ns = None
        if waiting:
            self._arm(waiting[0][0])


_clocks: WeakKeyDictionary[Hub, AlarmClock] = WeakKeyDictionary()


def wait_until(due_ns: int) -> None:
    """Return at *due_ns* of the monotonic clock, by the clock of the running hub.

    It is made when it is first needed, so a process that forks before its users wait has one of its own in each part.
    """
    hub = get_hub()
    clock = _clocks.get(hub)
    if clock is None:
        clock = _clocks[hub] = AlarmClock()
    clock.wait_until(due_ns)

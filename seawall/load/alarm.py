"""Wakes users at their intended times, to some tens of microseconds.

gevent's own timers end in ``epoll_wait``, which counts in whole milliseconds and is rounded up: requests would leave
0.7 ms late on the median. A ``timerfd`` is a file that becomes readable at its time, and epoll sees that at once.
"""

from __future__ import annotations

import ctypes
import heapq
import os
import time
from typing import Any
from weakref import WeakKeyDictionary

from gevent import getcurrent
from gevent.hub import Hub, get_hub

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_READABLE = 1
_BEHIND_ANSWERS = -1
SLOT_NS = 500_000
CROWD = 4
"""So many users due within one slot of time are woken together, at its end.

That is from 8,000 a second on: to wake a process costs more than to send a request, and a request then leaves a quarter
of a millisecond late on average. Fewer are woken each at its time.
"""
MOST_AT_ONCE = 16
"""After so many, answers that have come are read first.

Else, once a stall has made hundreds of users late, all send before any answer is read: what belongs to a user then has
left the processor's caches before its answer comes, each request costs half as much again, and the loop never catches
up (seen: for minutes, at two thirds of a core).
"""


class AlarmClock:
    """Any number of waiting greenlets behind one timer of the kernel; belongs to the hub that it was made in.

    A waiter is a list of its time, its number and its greenlet, which is None where that was ended meanwhile. Those of
    later slots lie in no order; a slot's are sorted when its time comes.
    """

    def __init__(self) -> None:
        self._system = ctypes.CDLL(None, use_errno=True)
        self._file = self._system.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "no timer could be had of the system")
        self._hub = get_hub()
        self._slots: dict[int, list[list[Any]]] = {}
        self._numbers: list[int] = []
        """Of the slots in which somebody waits: a heap."""
        self._near: list[list[Any]] = []
        """The waiters of slots that have begun: a heap."""
        self._begun = 0
        """The last slot that has begun."""
        self._number = 0
        """Of the waiters so far: those due at the same moment wake in the order in which they came."""
        self._armed_ns: int | None = None
        self._setting = (ctypes.c_long * 4)()  # struct itimerspec: interval and time, seconds and nanoseconds of each
        self._watcher = self._hub.loop.io(self._file, _READABLE, priority=_BEHIND_ANSWERS)
        self._watcher.start(self._ring)

    def wait_until(self, due_ns: int) -> None:
        """Return at *due_ns* of the monotonic clock; at once, and without letting others run, where that is past."""
        if due_ns <= time.monotonic_ns():
            return
        self._number += 1
        waiter = [due_ns, self._number, getcurrent()]
        number = due_ns // SLOT_NS
        if number <= self._begun:
            heapq.heappush(self._near, waiter)
            wake_ns = due_ns
        else:
            slot = self._slots.get(number)
            if slot is None:
                self._slots[number] = [waiter]
                heapq.heappush(self._numbers, number)
            else:
                slot.append(waiter)
            wake_ns = number * SLOT_NS
        if self._armed_ns is None or wake_ns < self._armed_ns:
            self._arm(wake_ns)
        try:
            self._hub.switch()
        except BaseException:
            waiter[2] = None
            raise

    def _arm(self, wake_ns: int) -> None:
        self._armed_ns = wake_ns
        self._setting[2], self._setting[3] = divmod(wake_ns, 1_000_000_000)
        self._system.timerfd_settime(self._file, _ABSOLUTE, self._setting, None)

    def _ring(self) -> None:
        """Wake everyone who is due; runs in the hub."""
        try:
            os.read(self._file, 8)
        except BlockingIOError:  # set anew in the meantime
            return
        self._begin_slots(time.monotonic_ns() // SLOT_NS)
        near, left = self._near, MOST_AT_ONCE
        while left and near and near[0][0] <= time.monotonic_ns():
            left -= 1
            greenlet = heapq.heappop(near)[2]
            if greenlet is not None:
                greenlet.switch()
        self._armed_ns = None
        if near:
            crowded = left and len(near) >= CROWD
            self._arm((self._begun + 1) * SLOT_NS if crowded else near[0][0])
        elif self._numbers:
            number = self._numbers[0]
            self._arm((number + (len(self._slots[number]) >= CROWD)) * SLOT_NS)

    def _begin_slots(self, number: int) -> None:
        """Move the waiters of all slots up to *number* to those near."""
        self._begun = max(self._begun, number)
        while self._numbers and self._numbers[0] <= number:
            for waiter in self._slots.pop(heapq.heappop(self._numbers)):
                heapq.heappush(self._near, waiter)


_clocks: WeakKeyDictionary[Hub, AlarmClock] = WeakKeyDictionary()


def alarm_clock() -> AlarmClock:
    """Return the clock of the running hub.

    It is made when it is first asked for, so a process that forks before it has users has one of its own in each part.
    """
    hub = get_hub()
    clock = _clocks.get(hub)
    if clock is None:
        clock = _clocks[hub] = AlarmClock()
    return clock

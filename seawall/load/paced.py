"""What every user has, whatever it sends by: a number, a schedule, a place in its run."""

from __future__ import annotations

import contextlib
import time
from typing import Any, ClassVar, Protocol

import gevent
from gevent.lock import BoundedSemaphore
from locust import User
from locust.env import Environment
from locust.exception import StopUser
from locust.user.task import (
    LOCUST_STATE_RUNNING,
    LOCUST_STATE_STOPPING,
    LOCUST_STATE_WAITING,
    DefaultTaskSet,
)

from seawall.load import setup
from seawall.load.alarm import alarm_clock
from seawall.load.pace import NotStarted, Pace
from seawall.load.recorder import NO_RECORD
from seawall.load.run import LoadRun

_connecting = BoundedSemaphore(128)
"""So many users of a process connect at the same time: a server's queue of new connections is short."""


class PacedClient(Protocol):
    """What a user sends by."""

    due_ns: int
    """When the next request is meant to be sent, monotonic; that request takes it. 0: whenever it is sent."""

    def connect(self) -> None:
        """Get ready, so that the first request need not; raises `OSError`."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class PacedUser(User):
    """A user whose requests have intended times; a subclass says what `client` sends them.

    Open loop by default: ``--user-rate`` requests a second on an absolute schedule, so that a slow answer makes the
    next request late, and that lateness counts. The schedule begins when the run does, or, for a user that is started
    later, with that user.
    """

    abstract = True
    protocol: ClassVar[str] = "http"
    """What its users speak: ``http`` or ``kafka``."""
    scopes: ClassVar[dict[str, str]] = {}
    """The scope of targets that an endpoint such as ``GET /report`` belongs to, where that is not told by its method:
    ``write``, ``cached lookup``, ``uncached lookup`` or ``analytics``."""
    client: PacedClient

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.load: LoadRun = setup.run_of(environment)
        self.number = self.load.next_user()
        self.pace: Pace = NotStarted()
        self._clock = alarm_clock()
        self.sequence = NO_RECORD
        self.entity = NO_RECORD
        self.has_context = type(self).context is not User.context

    def on_start(self) -> None:
        """Connect, wait until the run starts, then for the user's own first moment."""
        self.greenlet.link(lambda _: self.client.close())
        if self._taskset_instance is not None and type(self).wait_time is PacedUser.wait_time:
            self._taskset_instance.__class__ = _Tasks
        with _connecting, contextlib.suppress(OSError):  # its first request will say what is wrong
            self.client.connect()
        load = self.load
        waits = not load.gate.is_set()
        load.waiting += 1
        self._state = LOCUST_STATE_WAITING  # so that Locust may end the user here, as it may in any other wait
        load.gate.wait()
        self.pace = load.pace_of(self.number, load.start_ns if waits else time.monotonic_ns())
        load.join(self)
        gevent.sleep(self.wait_time())
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self._state = LOCUST_STATE_RUNNING

    def on_stop(self) -> None:
        """Leave the run."""
        self.load.leave(self, time.monotonic_ns())

    def owes(self, now_ns: int) -> int:
        """Return how many requests were due by now and not sent."""
        overslept = self._state == LOCUST_STATE_WAITING and 0 < self.client.due_ns <= now_ns
        return self.pace.due(now_ns) + overslept

    def dismiss(self) -> gevent.Greenlet | None:
        """End now if nothing is under way, and return what is ending; else Locust stops this user with its answer."""
        if self._state != LOCUST_STATE_WAITING:
            return None
        self._state = LOCUST_STATE_STOPPING  # whichever comes first, waking up or the end: nothing is sent
        self.greenlet.kill(block=False)
        return self.greenlet

    def wait_time(self) -> float:
        """Wait until the next intended time and return 0; ends the user when its pace is at its end.

        Locust would wait for whole milliseconds, rounded up, and so make every request late.
        """
        now_ns = time.monotonic_ns()
        due_ns = None if self.load.closed else self.pace.next_ns(now_ns)
        if due_ns is None:
            self.load.rest()
            raise StopUser
        # Only the first request of a task is on the schedule, and none of an `on_start` is.
        self.client.due_ns = due_ns
        self._clock.wait_until(due_ns)
        return 0.0

    def take_turn(self) -> None:
        """Wait until the next request is due; ends the user where it was asked to stop."""
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self._state = LOCUST_STATE_WAITING
        self.wait_time()
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self._state = LOCUST_STATE_RUNNING


class _Tasks(DefaultTaskSet):
    """Locust's own loop over tasks, which does not turn gevent's loop once more when a wait is over."""

    def wait(self) -> None:
        """Wait for the user's next intended time."""
        self._user.take_turn()  # type: ignore[attr-defined]  # only such users have these tasks

    def get_next_task(self) -> Any:
        """Return one of the user's tasks by their weights; most users have one."""
        tasks = self._user.tasks
        return tasks[0] if len(tasks) == 1 else super().get_next_task()  # type: ignore[no-untyped-call]


setup.register()

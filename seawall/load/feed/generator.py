"""The subscribers' process of an experiment: a Locust of its own beside the one that writes.

``python -m seawall.load.feed.generator`` reads a `FeedLoad` from standard input and writes `FeedAnswer` lines to
standard output. The line ``stop``, or the end of the input, ends it.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from pathlib import Path

import gevent
import msgspec
from gevent.event import Event
from gevent.fileobject import FileObjectThread
from locust import events
from locust.env import Environment
from locust.runners import LocalRunner

from seawall.load.feed.arrivals import Arrivals
from seawall.load.feed.subscribers import FeedLoad, Subscriber, subscriber
from seawall.load.feed.trial import FeedAnswer, FeedDone, FeedFailed, FeedProgress
from seawall.load.feed.users import SubscriberUser
from seawall.load.health import HealthProbe
from seawall.load.sockets import raise_file_limit

PROGRESS_EVERY_S = 0.25
_SPAWNED_A_SECOND = 1_000
_MANY_OBJECTS = 1_000_000

_encode = msgspec.json.Encoder().encode


class Crowd:
    """All subscribers of a trial."""

    def __init__(self, load: FeedLoad) -> None:
        self.load = load
        self.arrivals = Arrivals()
        self.all_in = Event()
        self._next = 0
        self._in: set[int] = set()

    @property
    def connected(self) -> int:
        """How many have been let in once."""
        return len(self._in)

    def join(self) -> Subscriber:
        """Return the next subscriber."""
        number, self._next = self._next, self._next + 1
        return subscriber(self.load, number)

    def came_in(self, number: int) -> None:
        """Note that a subscriber has been let in."""
        self._in.add(number)
        if len(self._in) == self.load.total:
            self.all_in.set()

    def user_class(self) -> type[SubscriberUser]:
        """Return the class of its users."""
        crowd = self

        class One(SubscriberUser):
            host = crowd.load.url

            def __init__(self, environment: Environment) -> None:
                super().__init__(environment)
                self.about = crowd.join()
                self.number = self.about.number
                self.arrivals = crowd.arrivals
                self.protocol = self.about.protocol  # type: ignore[misc]  # each has its own

            def subscription(self) -> dict[str, str]:
                return self.about.parameters

            def headers(self) -> dict[str, str]:
                return {"Authorization": f"Bearer {crowd.load.key}"} if crowd.load.key else {}

            def follow(self) -> None:
                silent = self.about.habit == "silent"
                stream, attempt = self.subscribe(silent=silent)
                if stream is None:
                    gevent.sleep(0.5)
                    return
                crowd.came_in(self.number)
                if silent:
                    self.stay_silent(stream)
                if self.about.habit == "returning" and not attempt.resumed:
                    crowd.all_in.wait()  # nothing is sent before
                    self.listen(stream, attempt, self.about.leaves_after_s)
                    gevent.sleep(crowd.load.away_s)
                    return
                self.listen(stream, attempt)

        return One


class Generator:
    """Runs the subscribers of one trial."""

    def __init__(self, load: FeedLoad) -> None:
        self._crowd = Crowd(load)
        self._environment = Environment(
            user_classes=[self._crowd.user_class()], host=load.url, events=events, catch_exceptions=True
        )
        self._runner: LocalRunner = self._environment.create_local_runner()
        self._stop = Event()

    def stop(self) -> None:
        """End it."""
        self._stop.set()

    def run(self) -> FeedDone:
        """Have all subscribe, and note what arrives until it is stopped."""
        load, arrivals = self._crowd.load, self._crowd.arrivals
        self._runner.start(load.total, spawn_rate=_SPAWNED_A_SECOND)
        with HealthProbe() as probe:
            gevent.spawn(self._freeze)
            while not self._stop.wait(PROGRESS_EVERY_S):
                _answer(self._progress())
        self._runner.stop()
        for error in self._runner.exceptions.values():
            raise ValueError(f"a subscriber failed: {error['msg']}")
        arrivals.write(Path(load.directory))
        return FeedDone(
            directory=load.directory,
            attempts=arrivals.attempts,
            frames=arrivals.frames,
            arrived=len(arrivals),
            cpu_s=probe.cpu_s,
            health=probe.health(connections=len(arrivals.attempts), users=load.total),
        )

    def _freeze(self) -> None:
        self._crowd.all_in.wait()
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not walk it again

    def _progress(self) -> FeedProgress:
        refused = next((one.refused for one in reversed(self._crowd.arrivals.attempts) if one.refused), "")
        return FeedProgress(connected=self._crowd.connected, arrived=len(self._crowd.arrivals), refused=refused)


def _answer(answer: FeedAnswer) -> None:
    os.write(1, _encode(answer) + b"\n")


def main() -> None:
    """Serve one trial."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    gc.set_threshold(_MANY_OBJECTS)
    raise_file_limit()
    lines = FileObjectThread(sys.stdin.buffer, "rb")
    line = lines.readline()
    if not line.strip():
        return
    generator = Generator(msgspec.json.decode(line, type=FeedLoad))

    def listen() -> None:
        for word in lines:
            if word.strip() == b"stop":
                break
        generator.stop()

    gevent.spawn(listen)
    try:
        _answer(generator.run())
    except (OSError, ValueError) as error:
        _answer(FeedFailed(reason=str(error)))


if __name__ == "__main__":
    main()

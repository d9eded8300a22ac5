"""Locust users that subscribe to a feed.

Subclass `SubscriberUser` for subscribers of your own::

    class Follower(SubscriberUser):
        def subscription(self):
            return {"entity": "orders", "user": "0000..."}

Locust counts how long each took to be let in as a request, ``SUBSCRIBE``, and the way of each frame from the feed to
the subscriber as another, ``DELIVER``, by the wall clocks of both.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

import gevent
import msgspec
from gevent.lock import BoundedSemaphore
from locust import User, task
from locust.env import Environment
from locust.exception import StopTest

from seawall.load.feed.arrivals import BROKE, LEFT, Arrivals, Attempt
from seawall.load.feed.frames import FeedFrame
from seawall.load.feed.streams import NotSubscribed, Stream, StreamEnded, open_stream

_connecting = BoundedSemaphore(64)
"""So many of a process connect at the same time: a server's queue of new connections is short."""
_AGAIN_S, _LONGEST_S = 0.2, 5.0


class SubscriberUser(User):
    """A user that subscribes, listens, and comes back with the last id when the stream ends."""

    abstract = True
    protocol: ClassVar[str] = "websocket"
    """``websocket`` or ``sse``."""
    comes_back = True
    """Whether it does so where the feed ended the stream."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if self.host is None:
            raise StopTest("no address of a feed is known: give one by --host, or by `host` of the user class")
        self.number = 0
        self.last_id = ""
        self.arrivals: Arrivals | None = None
        """Keeps what arrives, where somebody wants to have it."""

    def subscription(self) -> dict[str, str]:
        """Return what to ask the feed for: ``entity``, and ``user`` or ``product``."""
        return {}

    def headers(self) -> dict[str, str]:
        """Return further headers, such as the key."""
        return {}

    def on_frame(self, frame: FeedFrame, arrived_ns: int) -> None:
        """Hear what arrived, and when, monotonic; the default notes it where arrivals are kept."""
        if self.arrivals is not None:
            self.arrivals.add(self.number, frame, arrived_ns)

    @task
    def _follow(self) -> None:
        self.follow()

    def follow(self) -> None:
        """Subscribe and listen until the stream ends; called again and again."""
        stream, attempt = self.subscribe()
        if stream is None:
            gevent.sleep(_AGAIN_S)
            return
        self.listen(stream, attempt)
        if not self.comes_back:
            self.stay()
        gevent.sleep(_AGAIN_S)

    def stay(self) -> None:
        """Do nothing until the user is stopped."""
        while True:
            gevent.sleep(_LONGEST_S)

    def stay_silent(self, stream: Stream) -> None:
        """Hold a stream without reading it until the user is stopped."""
        try:
            self.stay()
        finally:
            stream.close()

    def subscribe(self, *, silent: bool = False) -> tuple[Stream | None, Attempt]:
        """Return a stream whose first frame has arrived, unless it is *silent*; None where one is not let in."""
        headers = self.headers()
        attempt = Attempt(subscriber=self.number, begun_ns=0, resumed=bool(self.last_id))
        if self.last_id:
            headers = {**headers, "Last-Event-ID": self.last_id}
        with _connecting:
            attempt.begun_ns = time.monotonic_ns()
            if self.arrivals is not None:
                self.arrivals.attempts.append(attempt)
            error: Exception | None = None
            stream = None
            try:
                stream = open_stream(self.protocol, self.host or "", self.subscription(), headers, silent=silent)
                if not silent:
                    arrived_ns, frame = stream.next()
                    self._took(frame, arrived_ns)
                attempt.in_ns = time.monotonic_ns()
            except (NotSubscribed, StreamEnded, OSError) as refusal:
                attempt.refused, error, stream = str(refusal) or type(refusal).__name__, refusal, None
        self.fire("SUBSCRIBE", (time.monotonic_ns() - attempt.begun_ns) / 1e6, 0, error)
        return stream, attempt

    def listen(self, stream: Stream, attempt: Attempt, within_s: float | None = None) -> None:
        """Take what comes until the stream ends, or, where given, the time is over, upon which one leaves."""
        try:
            with gevent.Timeout(within_s, exception=False):
                while True:
                    arrived_ns, frame = stream.next()
                    self._took(frame, arrived_ns)
            attempt.end = LEFT
        except StreamEnded as ended:
            attempt.end = str(ended)
        except (OSError, msgspec.MsgspecError) as error:
            attempt.end = f"{BROKE}: {error}"
        except gevent.GreenletExit:
            attempt.end = LEFT
            raise
        finally:
            attempt.over_ns = time.monotonic_ns()
            stream.close()

    def _took(self, frame: FeedFrame, arrived_ns: int) -> None:
        self.last_id = frame.id or self.last_id
        if frame.records:
            self.on_frame(frame, arrived_ns)
            self.fire("DELIVER", max(0.0, (time.time_ns() - frame.published_ns) / 1e6), len(frame.records), None)

    def fire(self, kind: str, took_ms: float, length: int, error: Exception | None = None) -> None:
        """Have Locust count something of this *kind*, of *length* records; with an *error* it is a failure."""
        fields: dict[str, Any] = {
            "request_type": kind, "name": f"/v1/feed ({self.protocol})", "response_time": took_ms,
            "response_length": length, "exception": error, "context": {}, "response": None,
        }  # fmt: skip
        self.environment.events.request.fire(**fields)

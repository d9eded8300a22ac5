"""Locust users that keep a pace, mint ids and are recorded.

Subclass `ScheduledUser` for requests of your own, `IngestUser` to write records::

    class KafkaWrites(IngestUser):
        @task
        def write(self):
            self.write_record("kafka")

Tasks are Locust's, and so is `self.client`. The first request of a task is due at the user's next intended time; where
a task sends more, each of them is due when it is sent. Method and `name` of a request are its endpoint in the ledger,
and `scopes` says which targets an endpoint is held to where its method does not tell. A class that needs an `on_start`
or `on_stop` of its own calls the inherited one last::

    class Visitor(ScheduledUser):
        scopes = {"GET /things/{id}": "cached lookup"}

        def on_start(self):
            self.token = log_in()
            super().on_start()

        @task
        def look(self):
            self.client.get("/things/1", name="/things/{id}", headers={"Authorization": self.token})
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser
from locust.env import Environment
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from contract.entities import ENTITIES
from seawall.load import alarm, setup
from seawall.load.client import LeanSession
from seawall.load.pace import NotStarted, Pace
from seawall.load.payloads import content_index, entity_at
from seawall.load.recorder import NO_RECORD
from seawall.load.run import LoadRun
from seawall.load.statuses import recorded_status

JSON = {"Content-Type": "application/json"}


class ScheduledUser(FastHttpUser):
    """A user whose requests have intended times; Locust's response times count from those.

    Open loop by default: ``--user-rate`` requests a second on an absolute schedule, so that a slow answer makes the
    next request late, and that lateness counts. The schedule begins when the run does, or, for a user that is started
    later, with that user.
    """

    abstract = True
    network_timeout = 20.0
    connection_timeout = 20.0
    scopes: ClassVar[dict[str, str]] = {}
    """The scope of targets that an endpoint such as ``GET /report`` belongs to, where that is not told by its method:
    ``write``, ``cached lookup``, ``uncached lookup`` or ``analytics``."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.load: LoadRun = setup.run_of(environment)
        self.number = self.load.next_user()
        self.intended_ns = 0
        self.pace: Pace = NotStarted()
        self.sequence = NO_RECORD
        self.entity = NO_RECORD
        self.client = LeanSession(
            base_url=self.host,
            connection_timeout=self.connection_timeout,
            network_timeout=self.network_timeout,
            on_open=self._note_connection,
            request_event=_Recorded(self),
            user=self,
        )

    def _note_connection(self) -> None:
        self.load.connections += 1

    def on_start(self) -> None:
        """Connect, wait until the run starts, then for the user's own first moment."""
        self.client._send_request_safe_mode("GET", f"{self.client.base_url}/livez")  # noqa: SLF001 - not to be counted
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
        overslept = self._state == LOCUST_STATE_WAITING and 0 < self.intended_ns <= now_ns
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
        intended_ns = None if self.load.closed else self.pace.next_ns(now_ns)
        if intended_ns is None:
            raise StopUser
        self.intended_ns = intended_ns
        alarm.wait_until(intended_ns)
        return 0.0


class IngestUser(ScheduledUser):
    """A user that writes records of the run's entity (``--entity``)."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._identity = self.load.identity_maker(self.number)
        self._next_sequence = iter(self.load.sequences(self.number, self._identity)).__next__

    def write_record(self, path: str) -> None:
        """Send the user's next record by *path* (``sync``, ``grouped`` or ``kafka``)."""
        sequence = self._next_sequence()
        entity = ENTITIES[entity_at(self.load.mix, self.number, sequence)]
        tail = self.load.bodies[entity.name][content_index(self.number, sequence)]
        url = f"/v1/{path}/{entity.name}"
        data: Any = b'{"id":"%b"%b' % (self._identity(sequence, entity.number), tail)
        self.sequence, self.entity = sequence, entity.number
        sent_ns = time.monotonic_ns()
        try:
            self.client.post(url, data=data, headers=JSON)
        except gevent.GreenletExit:  # the run ends before the answer: the record may be there or not
            times_ns = (self.intended_ns or sent_ns, sent_ns, time.monotonic_ns())
            self.load.recorder.add(self.number, sequence, entity.number, f"POST {url}", times_ns, 0)
            raise
        finally:
            self.entity = NO_RECORD


class _Recorded:
    """Stands where Locust's client fires its request event: records first, then fires with the response time."""

    def __init__(self, user: ScheduledUser) -> None:
        self._user = user
        self._fire = user.environment.events.request.fire
        self._add = user.load.recorder.add

    def fire(
        self, *, request_type: str, response_time: float, response: Any, name: str, exception: Any, **rest: Any
    ) -> None:
        """Record the request; *response_time* came from the sending, and leaves from the intended time, ms."""
        user = self._user
        answered_ns = time.monotonic_ns()
        sent_ns = answered_ns - int(response_time * 1e6)
        # Only the first request of a task was on the schedule, and none of an `on_start` was.
        intended_ns = user.intended_ns or sent_ns
        user.intended_ns = 0
        status = recorded_status(response.status_code or 0, failed=exception is not None)
        times_ns = (intended_ns, sent_ns, answered_ns)
        self._add(user.number, user.sequence, user.entity, f"{request_type} {name}", times_ns, status)
        self._fire(
            request_type=request_type,
            response_time=(answered_ns - intended_ns) / 1e6,
            response=response,
            name=name,
            exception=exception,
            **rest,
        )


setup.register()

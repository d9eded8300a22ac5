"""Locust users that keep a pace, mint ids and are recorded.

Subclass `ScheduledUser` for requests of your own, `IngestUser` to write records::

    class Writes(IngestUser):
        @task
        def write(self):
            self.write_record()

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
from collections.abc import Callable, Mapping
from functools import partial
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment
from locust.exception import StopTest
from locust.user.users import RestMixin

from contract.spans import RECORD_ID, Attributes
from seawall.load import setup
from seawall.load.api_key import key_headers
from seawall.load.http.client import Client
from seawall.load.http.response import Response
from seawall.load.paced import PacedUser
from seawall.load.payloads import content_index, write_at
from seawall.load.recorder import NO_RECORD
from seawall.load.statuses import recorded_status
from seawall.load.traced_client import TracedClient

JSON = {"Content-Type": "application/json"}


class ScheduledUser(PacedUser, RestMixin[Response]):
    """A user whose HTTP requests have intended times; Locust's response times count from those.

    `PacedUser` tells of the schedule. What can be set is named as in Locust's ``FastHttpUser``.
    """

    abstract = True
    network_timeout = 20.0
    """Longest wait for an answer, s."""
    connection_timeout = 20.0
    """Longest wait for a connection, s."""
    max_redirects = 30
    insecure = True
    """Take certificates as they are, as Locust does."""
    ssl_context: SSLContext | None = None
    """Replaces the context that all users share."""
    default_headers: Mapping[str, str] | None = None
    """Sent with every request."""
    client: Client

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if self.host is None:
            raise StopTest("no address of a service is known: give one by --host, or by `host` of the user class")
        self._add = self.load.recorder.add
        self._count = setup.counts_of(environment).report
        self.client = self._client_of(self.host)

    def _client_of(self, host: str) -> Client:
        """Return a client of the service at *host*; raises `ValueError` where that is no address.

        It sends the service's key, where one is known and the user brings no credentials of its own.
        """
        key = {} if "@" in urlsplit(host).netloc else key_headers(host)
        client: Callable[..., Client] = Client
        if self.load.traces is not None:
            client = partial(TracedClient, traces=self.load.traces, about=self._traced)
        return client(
            host,
            self._report,
            abandon=self._abandon,
            on_open=self.load.note_connection,
            connect_s=self.connection_timeout,
            answer_s=self.network_timeout,
            most_redirects=self.max_redirects,
            insecure=self.insecure,
            ssl_context=self.ssl_context,
            default_headers={**key, **(self.default_headers or {})},
            full_client=self._locusts_client,
        )

    def _report(self, response: Response) -> None:
        """Record a request, then let Locust count it."""
        sent_ns = response.sent_ns
        times_ns = (response.intended_ns or sent_ns, sent_ns, response.answered_ns)
        status, is_plain = response.status_code, response.is_plain_success
        if not is_plain or not 200 <= status < 300:  # noqa: PLR2004 - HTTP
            failed = response.failure_reason() is not None
            status = recorded_status(status, failed=failed, content=response.content or b"")
        self._add(self.number, self.sequence, self.entity, f"{response.method} {response.name}", times_ns, status)
        if self.has_context:
            response.context = {**self.context(), **response.context}
        self._count(response, is_plain=is_plain)

    def _abandon(self, response: Response) -> None:
        """Note that a record may be there or not: the run ended before the answer."""
        if self.entity != NO_RECORD:
            times_ns = (response.intended_ns or response.sent_ns, response.sent_ns, response.answered_ns)
            self._add(self.number, self.sequence, self.entity, f"{response.method} {response.name}", times_ns, 0)

    def _traced(self) -> Attributes:
        """Return what the trace of the request that is sent now is to say of it."""
        return {"seawall.user": self.number}

    def _locusts_client(self) -> FastHttpSession:
        return FastHttpSession(
            self.client.base_url,
            _FromLocust(self),
            self,
            insecure=self.insecure,
            connection_timeout=self.connection_timeout,
            network_timeout=self.network_timeout,
        )


class IngestUser(ScheduledUser):
    """A user that writes records of the run's entity (``--entity``)."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._identity = self.load.identity_maker(self.number)
        self._next_sequence = iter(self.load.sequences(self.number, self._identity)).__next__
        self._writes = self.load.writes

    def write_record(self, path: str = "") -> None:
        """Send the user's next record by *path* (``sync``, ``grouped`` or ``kafka``), by default the run's."""
        sequence = self._next_sequence()
        number, url, tails = write_at(self._writes[path or self.load.path], self.number, sequence)
        self.sequence, self.entity = sequence, number
        try:
            data = b'{"id":"%b"%b' % (self._identity(sequence, number), tails[content_index(self.number, sequence)])
            self.client.request("POST", url, data=data, headers=JSON)
        finally:
            self.entity = NO_RECORD

    def _traced(self) -> Attributes:
        """Return also the id of the record, if it writes one."""
        if self.entity == NO_RECORD:
            return super()._traced()
        return {**super()._traced(), RECORD_ID: self._identity(self.sequence, self.entity).decode()}


class _FromLocust:
    """Stands where Locust's own client fires its request event, for requests that are left to it."""

    def __init__(self, user: ScheduledUser) -> None:
        self._user = user

    def fire(
        self, *, request_type: str, response_time: float, response: Any, name: str, exception: Any, **rest: Any
    ) -> None:
        """Record the request; *response_time* came from the sending, and leaves from the intended time, ms."""
        user = self._user
        answered_ns = time.monotonic_ns()
        sent_ns = answered_ns - int(response_time * 1e6)
        intended_ns, user.client.due_ns = user.client.due_ns or sent_ns, 0
        status = recorded_status(response.status_code or 0, failed=exception is not None)
        times_ns = (intended_ns, sent_ns, answered_ns)
        user.load.recorder.add(user.number, user.sequence, user.entity, f"{request_type} {name}", times_ns, status)
        user.environment.events.request.fire(
            request_type=request_type,
            response_time=(answered_ns - intended_ns) / 1e6,
            response=response,
            name=name,
            exception=exception,
            **rest,
        )

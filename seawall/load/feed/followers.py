"""Locust users of the live feed, for locustfiles: those who write, and those who hear of it.

::

    from seawall.load.feed.followers import FeedSubscriber, FeedWriter

Beside the requests of those who write, Locust's statistics then show, each as an entry of its own:

* ``SUBSCRIBE``: from the beginning of a connection to its first frame; a refusal is a failure;
* ``PROPAGATE``: from a record's acceptance to when the feed handed it out; 0 where that came before the answer;
* ``DELIVER``: from there to its arrival, by the wall clocks of both;
* ``DUE TO ARRIVED``: all of it, from when the record was due to be sent.

The first two of a record's entries need its times, so they are of records that the same process wrote; of several in
one frame the one counts that was due first.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar
from uuid import UUID

from locust import events
from locust.env import Environment
from locust.exception import StopTest

from seawall.load import setup
from seawall.load.feed.acceptance import Acceptances
from seawall.load.feed.frames import FeedFrame
from seawall.load.feed.subscribers import buyers_of
from seawall.load.feed.users import SubscriberUser
from seawall.load.http.response import Response
from seawall.load.plain_run import refuse
from seawall.load.recorder import NO_RECORD
from seawall.load.users import IngestUser
from seawall.stack.feed import name_of
from seawall.stack.state import read_state

NO_FEED = "no feed is running: start a stack with `bin/seawall up --feed log`, or give --feed-url"
_acceptances = Acceptances()


class NoFeed(Exception):
    """Nobody says where the feed is."""


class FeedWriter(IngestUser):
    """Writes records, and remembers when each was accepted."""

    abstract = True

    def _report(self, response: Response) -> None:
        super()._report(response)
        if self.entity != NO_RECORD and 200 <= response.status_code < 300:  # noqa: PLR2004 - HTTP
            record = UUID(self._identity(self.sequence, self.entity).decode())
            _acceptances.note(record, response.intended_ns or response.sent_ns, response.answered_ns)


class FeedSubscriber(SubscriberUser):
    """Follows all records of the run's entities, or, with *of_one_buyer*, the orders of one buyer."""

    abstract = True
    of_one_buyer: ClassVar[bool] = False
    _joined: ClassVar[int] = 0
    """How many there are in this process."""

    def __init__(self, environment: Environment) -> None:
        options: Any = environment.parsed_options
        try:
            self.host, key = feed_address(options.feed_url)
        except NoFeed as error:
            raise StopTest(str(error)) from None
        self._key = options.feed_key or key
        super().__init__(environment)
        self.number = FeedSubscriber._joined
        FeedSubscriber._joined += 1

    def subscription(self) -> dict[str, str]:
        """Return what is asked of the feed."""
        if not self.of_one_buyer:
            return {}
        buyers = buyers_of(setup.run_of(self.environment).seed)
        return {"entity": "orders", "user": str(buyers[self.number % len(buyers)])}

    def headers(self) -> dict[str, str]:
        """Return the key that lets one in, where one is known."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def on_frame(self, frame: FeedFrame, arrived_ns: int) -> None:
        """Tell Locust how long its records were on their way."""
        times = [found for one in frame.records if (found := _acceptances.of(one.record.id)) is not None]
        if not times:
            return
        due_ns, accepted_ns = min(times)
        published_ns = frame.published_ns - (time.time_ns() - time.monotonic_ns())
        self.fire("PROPAGATE", max(0.0, (published_ns - accepted_ns) / 1e6), len(times))
        self.fire("DUE TO ARRIVED", (arrived_ns - due_ns) / 1e6, len(times))


def feed_address(given: str) -> tuple[str, str]:
    """Return where the feed is and the key to it: as *given*, else that of the running stack.

    Raises `NoFeed` where there is none. The stack's key goes to its own feed alone.
    """
    state = read_state()
    own = None if state is None else state.services.get(name_of("log"))
    if given and (own is None or given.rstrip("/") != own.address):
        return given.rstrip("/"), ""
    if state is None or own is None:
        raise NoFeed(NO_FEED)
    return own.address, state.api_key


def _add_options(parser: Any, **_: Any) -> None:
    parser.add_argument(
        "--feed-url",
        default="",
        env_var="SEAWALL_FEED_URL",
        help="Address of the feed (default: that of the running stack)",
    )

    parser.add_argument(
        "--feed-key",
        default="",
        env_var="SEAWALL_FEED_KEY",
        include_in_web_ui=False,
        help="Key to a feed that is not the running stack's",
    )


def _check(environment: Environment, **_: Any) -> None:
    """End a headless run that has no feed, with code 2: its subscribers could only fail."""
    options: Any = environment.parsed_options
    subscribes = any(issubclass(one, FeedSubscriber) for one in environment.user_classes)
    if options is None or not options.headless or options.worker or not subscribes:
        return
    try:
        feed_address(options.feed_url)
    except NoFeed as error:
        refuse(error)


events.init_command_line_parser.add_listener(_add_options)
events.init.add_listener(_check)

"""The live feed: many who follow one buyer's orders each, a few who follow everything, and those who write.

Start a stack with ``bin/seawall up --feed log``, then::

    locust -f locustfiles/feed.py                                        # web page on port 8089
    locust -f locustfiles/feed.py --headless -u 210 -r 50 -t 30s --csv out
    locust -f locustfiles/feed.py --master --expect-workers 2 ...        # and on each worker:
    locust -f locustfiles/feed.py --worker --master-host ...

Locust counts connecting (``SUBSCRIBE``), propagation (``PROPAGATE``), delivery (``DELIVER``) and all of it from when a
record was due until it arrived (``DUE TO ARRIVED``) as entries of their own. ``--feed-url`` is where the feed is, by
default at the running stack. What is written is judged and audited as with ``locustfiles/ingest.py``.
"""

from locust import task

from seawall.load.feed.followers import FeedSubscriber, FeedWriter


class Writers(FeedWriter):
    """Writes orders by Kafka; give another ``--entity`` or ``--path`` for others."""

    weight = 1

    @task
    def write(self) -> None:
        """Write one record."""
        self.write_record()


class Followers(FeedSubscriber):
    """Follows one buyer's orders by WebSocket, and comes back with the last id where the stream ends."""

    weight = 15
    of_one_buyer = True


class EventFollowers(Followers):
    """The same by server-sent events."""

    weight = 4
    protocol = "sse"


class Watchers(FeedSubscriber):
    """Follows everything; a few are enough."""

    fixed_count = 2

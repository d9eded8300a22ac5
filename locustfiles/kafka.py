"""Straight to Kafka, for services that take it and not HTTP; docs/kafka-user.md explains it.

Start a stack with ``bin/seawall up``, then::

    locust -f locustfiles/kafka.py Records --headless -u 50 -r 50 -t 30s --user-rate 10 --csv out

`Records` writes what the service's own API would write, so its sinks store it and the run is audited. `Clicks` is a
whole example for a topic of somebody else; it has to be there.
"""

import time

from locust import task

from seawall.load import KafkaIngestUser, KafkaUser


class Records(KafkaIngestUser):
    """Writes the records of ``--entity``, each waiting for its acknowledgement."""

    @task
    def write(self) -> None:
        """Write one record."""
        self.write_record()


class Clicks(KafkaUser):
    """Tells what is clicked; three of four are only handed over, and their acknowledgements are awaited by nobody."""

    topic = "clicks"
    headers = {"source": "locust"}
    compression = "lz4"

    @task(3)
    def click(self) -> None:
        """Send a click, and go on."""
        self.produce({"page": "/", "at": time.time()}, key=str(self.number), wait=False)

    @task(1)
    def buy(self) -> None:
        """Send an order, and wait for it."""
        self.produce({"page": "/buy", "at": time.time()}, key=str(self.number), name="clicks that matter")

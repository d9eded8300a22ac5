"""Ingestion and lookups, one user class each.

Start a stack with ``bin/seawall up``, then::

    locust -f locustfiles/ingest.py                                      # web page on port 8089
    locust -f locustfiles/ingest.py Writes --path sync --headless -u 200 -r 200 -t 30s --csv out
    locust -f locustfiles/ingest.py --master --expect-workers 2 ...      # and on each worker:
    locust -f locustfiles/ingest.py --worker --master-host ...

``--path`` is how records are written: ``sync``, ``grouped`` or ``kafka``. ``--user-rate`` is the number of requests a
second of each user, on a schedule that a slow answer does not stretch; ``--arrival poisson`` draws the gaps at random,
``--arrival closed`` sends each request after the answer to the last. ``--record-bytes``, ``--compressibility`` and
``--key-skew`` shape what is written.

The page has a *Verdict* tab: how the run stands while it goes on, and what the audit says at its end.

With ``--csv PREFIX`` every request is kept in ``PREFIX_requests`` (or where ``--record DIR`` says), over all processes
of the run: Parquet files, and ``run.json`` with what was planned, sent and not sent. At its end the run is judged:
``PREFIX_result.json`` and ``PREFIX_report.html`` appear, and the exit code is the verdict (``--no-verdict``: neither).
"""

from locust import task

from seawall.load import IngestUser, ScheduledUser
from seawall.load.lookups import product_url, user_url

CACHED = {"GET /v1/users/{id}": "cached lookup", "GET /v1/products/{id}": "cached lookup"}


class Writes(IngestUser):
    """Writes records by one path (``--path``)."""

    @task
    def write(self) -> None:
        """Write one record."""
        self.write_record()


class Lookups(ScheduledUser):
    """Reads of users and products through the caches, a few of them far more often than the rest."""

    scopes = CACHED

    @task(3)
    def user(self) -> None:
        """Look one user up."""
        self.client.get(user_url(), name="/v1/users/{id}")

    @task(1)
    def product(self) -> None:
        """Look one product up."""
        self.client.get(product_url(), name="/v1/products/{id}")


class Mixed(IngestUser):
    """A shop's ordinary traffic: seven lookups to three writes."""

    scopes = CACHED

    @task(3)
    def write(self) -> None:
        """Write one record."""
        self.write_record()

    @task(7)
    def user(self) -> None:
        """Look one user up."""
        self.client.get(user_url(), name="/v1/users/{id}")

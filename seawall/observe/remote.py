"""A stack elsewhere, seen through the Prometheus that reads it (``SEAWALL_PROMETHEUS_URL``)."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

import msgspec

from seawall.observe.errors import PrometheusGone
from seawall.observe.machine import Series, machine_query, rooms_of_series, uses_of_series
from seawall.observe.readings import Reading
from seawall.stack.samples import Sample, Samples

VARIABLE = "SEAWALL_PROMETHEUS_URL"
_QUERY = '{__name__=~"seawall_.+"}'
_OF_THE_SCRAPE = ("__name__", "instance", "job", "service")
_REQUESTS, _LAG = "seawall_requests_total", "seawall_sink_lag_records"
_TIMEOUT_S = 10.0


def prometheus_url() -> str | None:
    """Return the address that the environment names, if it does; raises `PrometheusGone` where it cannot be one."""
    url = os.environ.get(VARIABLE, "").rstrip("/")
    if not url:
        return None
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PrometheusGone(f"{VARIABLE} should look like http://host:9090")
    return url


class RemoteReader:
    """Asks Prometheus for the last value of every series of ours, and of what the machines say of us."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/v1/query"
        self._shown = url
        self._machine = machine_query()
        self._last: Reading | None = None

    def read(self) -> Reading:
        """Return what it knows, or, where it does not answer any more, what it knew.

        Raises `PrometheusGone` where it never has.
        """
        try:
            samples, machine = Samples(self._values()), self._ask(self._machine)
        except PrometheusGone as error:
            if self._last is None:
                raise
            return msgspec.structs.replace(self._last, at_s=time.monotonic(), troubles=[str(error)])
        self._last = Reading(
            at_s=time.monotonic(),
            samples=samples,
            processes={},
            uses=uses_of_series(machine),
            rooms=rooms_of_series(machine),
            lag=int(samples.sum(_LAG)) if _LAG in samples else None,
            troubles=[] if _REQUESTS in samples else [f"{self._shown} knows no {_REQUESTS}: does it read the API?"],
        )
        return self._last

    def close(self) -> None:
        """Close nothing: each question has a connection of its own."""

    def _values(self) -> dict[Sample, float]:
        """Return the values of all series; those of several processes with the same labels are added up."""
        found: dict[Sample, float] = {}
        for one in self._ask(_QUERY):
            labels = {name: value for name, value in one["metric"].items() if name not in _OF_THE_SCRAPE}
            sample = Sample(one["metric"]["__name__"], tuple(sorted(labels.items())))
            found[sample] = found.get(sample, 0.0) + float(one["value"][1])
        return found

    def _ask(self, query: str) -> list[Series]:
        url = f"{self._url}?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - checked
                found: list[Series] = json.load(answer)["data"]["result"]
        except (OSError, http.client.HTTPException, urllib.error.URLError) as error:
            raise PrometheusGone(
                f"{VARIABLE}: {self._shown} does not answer ({error}): start it, or correct the address"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise PrometheusGone(f"{VARIABLE}: what answers at {self._shown} is no Prometheus") from None
        return found

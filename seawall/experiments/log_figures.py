"""How records went through the log in a trial, from what its clients counted before and after it."""

from __future__ import annotations

from seawall.result import LogFigures
from seawall.stack.samples import Samples


def log_figures(before: Samples | None, after: Samples | None) -> LogFigures | None:
    """Return what was counted in between; None where that is not known, as where a process was started again.

    Counts of librdkafka are up to a second old; those of one figure are of the same moment.
    """
    if before is None or after is None:
        return None
    counted = after - before
    if counted.began_anew:
        return None
    records, requests, sent, fetched, fetches, received, rows, batches = (
        round(counted.sum(name))
        for name in (
            "seawall_producer_records_total",
            "seawall_producer_requests_total",
            "seawall_producer_sent_bytes_total",
            "seawall_sink_fetched_records_total",
            "seawall_sink_fetches_total",
            "seawall_sink_received_bytes_total",
            "seawall_sink_batch_records_sum",
            "seawall_sink_batch_records_count",
        )
    )
    return LogFigures(
        records=records,
        requests=requests,
        records_per_request=_ratio(records, requests),
        bytes_per_record=_ratio(sent, records),
        fetches=fetches,
        records_per_fetch=_ratio(fetched, fetches),
        fetched_bytes_per_record=_ratio(received, fetched),
        rows_per_batch=_ratio(rows, batches),
        linger_ms=_setting(after, "linger_ms"),
        batch_bytes=None if (size := _setting(after, "batch_size")) is None else round(size),
    )


def _setting(samples: Samples, label: str) -> float | None:
    """Return what all producers were made with; None where they differ, or one does not say."""
    found = samples.by("seawall_producer_settings_info", label)
    return float(next(iter(found))) if len(found) == 1 else None


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole > 0 else None

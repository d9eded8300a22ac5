"""``python -m workers.spark_job``: the job; a line of JSON a micro-batch goes to standard output."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pydantic import ValidationError

from contract.connections import Connections
from contract.errors import BadConnection, NoTopics
from contract.make_topics import create_own_topic
from workers.progress_lines import say
from workers.spark_job.errors import JobFailed, NoSpark
from workers.spark_job.settings import Settings

_LOOK_S = 0.25


def main() -> int:
    """Work until SIGTERM or SIGINT; return the exit code: 0 stopped, 1 the job failed, 2 wrong usage or set-up."""
    try:
        settings = Settings()
        kafka = Connections.read().kafka
        create_own_topic(AdminClient({**kafka, "log_level": 0}), settings.spark_topic)
    except ValidationError as error:
        for flaw in error.errors():
            print(f"spark: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    except BadConnection as error:
        print(f"spark: {error}", file=sys.stderr)
        return 2
    except (NoTopics, KafkaException) as error:
        print(f"spark: {error}", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _run(settings, kafka, stop)
    except JobFailed as error:
        print(f"spark: {error}", file=sys.stderr)
        return 2 if isinstance(error, NoSpark) else 1
    return 0


def _run(settings: Settings, kafka: dict[str, Any], stop: threading.Event) -> None:
    try:
        from workers.spark_job.session import begin, start  # noqa: PLC0415 - Spark is an extra
    except ModuleNotFoundError as error:
        raise NoSpark(
            f"{error.name} is not installed:"
            " .venv/bin/python -m pip install --require-hashes -r requirements-spark.lock"
        ) from None
    logging.getLogger("py4j").setLevel(logging.ERROR)
    try:
        session = start(settings)
    except JobFailed:
        raise
    except Exception as error:  # noqa: BLE001 - whatever Java says, which is in the log above
        raise NoSpark(f"Spark does not start: {_first_line(error)}; it needs Java 17, and its log says more") from None
    try:
        _follow(begin(session, settings, kafka), stop)
        session.stop()
    except JobFailed:
        raise
    except Exception as error:  # noqa: BLE001 - such as that Java was killed; all that Spark raises is told by the log
        raise JobFailed(
            f"Spark does not go on: {_first_line(error)}; start the job again, its checkpoint holds"
        ) from None


def _follow(query: Any, stop: threading.Event) -> None:
    """Say what the query does until it is to *stop*; raises `JobFailed` where it ends before."""
    say({"started": True, "at_ns": time.monotonic_ns()})
    told = -1.0
    while query.isActive and not stop.wait(_LOOK_S):
        for line in _news(query, told):
            told = line["batch"]
            say(line)
    ended = query.exception()
    query.stop()
    for line in _news(query, told):
        say(line)
    if ended is not None:
        raise JobFailed(f"the query ended: {_first_line(ended)}; start the job again, its checkpoint holds")


def _news(query: Any, told: float) -> Iterator[dict[str, Any]]:
    """Yield what the query says of micro-batches after that of the number *told*."""
    for progress in query.recentProgress:
        if progress["batchId"] > told and "addBatch" in progress["durationMs"]:
            states = progress["stateOperators"]
            seen = (progress["observedMetrics"] or {}).get("unreadable")
            yield {
                "batch": progress["batchId"],
                "at_ns": time.monotonic_ns(),
                "rows": progress["numInputRows"],
                "rows_per_s": progress["processedRowsPerSecond"],
                "took_ms": progress["durationMs"]["triggerExecution"],
                "state_rows": sum(one["numRowsTotal"] for one in states),
                "state_bytes": sum(one["memoryUsedBytes"] for one in states),
                "dropped_late": sum(one["numRowsDroppedByWatermark"] for one in states),
                "unreadable": seen["unreadable"] if seen else 0,
            }


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


if __name__ == "__main__":
    sys.exit(main())

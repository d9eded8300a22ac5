"""``python -m workers.sink``: one sink; start several under different names."""

from __future__ import annotations

import gc
import logging
import signal
import sys

from pydantic import ValidationError

from contract.connections import Connections
from contract.errors import BadApiKeys, BadConnection, BadTracing
from contract.logs import start_logging
from contract.registry import registry_of
from workers.sink.consumer import Sink, SinkFailed
from workers.sink.database import database_of
from workers.sink.settings import Settings

_COLLECT_AFTER = 1_000_000


def main() -> int:
    """Move records until SIGTERM or SIGINT; return the exit code."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        connections = Connections.read()
        sink = Sink(connections.kafka, database_of(connections), settings, registry_of(connections))
    except (BadConnection, BadApiKeys, BadTracing) as error:
        print(f"sink: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"sink: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    # Two batches hold tens of thousands of objects that are freed by their counts; walking over them again and again
    # took a fifth of the processor time. Cycles are found by a collection now and then, see `Sink`.
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sink.stop())
    try:
        sink.run()
    except SinkFailed as error:
        logging.getLogger("workers.sink").error("%s; start the sink again", error)  # noqa: TRY400 - a trace says no more
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m workers.order_producer``: orders at a rate for a time, each noted in a journal."""

from __future__ import annotations

import signal
import sys

from pydantic import ValidationError

from contract.connections import Connections
from contract.errors import BadConnection
from contract.logs import start_logging
from workers.order_producer.picks import NothingToPick
from workers.order_producer.producer import Producer
from workers.order_producer.settings import Settings


def main() -> int:
    """Make orders until the time is over, or SIGTERM or SIGINT comes; return the exit code."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        producer = Producer(settings, Connections.read())
    except BadConnection as error:
        print(f"order producer: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"order producer: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: producer.stop())
    try:
        producer.run()
    except (NothingToPick, BadConnection, OSError) as error:
        print(f"order producer: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

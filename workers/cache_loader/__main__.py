"""``python -m workers.cache_loader``: one loader; a line of JSON a load on standard output."""

from __future__ import annotations

import signal
import sys

from pydantic import ValidationError

from contract.connections import Connections
from contract.errors import BadConnection
from contract.logs import start_logging
from workers.cache_loader.loader import Loader
from workers.cache_loader.settings import Settings


def main() -> int:
    """Load until SIGTERM or SIGINT; return the exit code."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        loader = Loader(Connections.read(), settings)
    except BadConnection as error:
        print(f"cache loader: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"cache loader: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loader.stop())
    loader.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

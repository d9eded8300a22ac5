"""``python -m workers.grade_updater``: one updater; a line of JSON a batch on standard output."""

from __future__ import annotations

import signal
import sys

from pydantic import ValidationError

from contract.connections import Connections
from contract.errors import BadConnection
from contract.logs import start_logging
from workers.grade_updater.settings import Settings
from workers.grade_updater.updater import Updater


def main() -> int:
    """Grade until SIGTERM or SIGINT; with ``--once`` a single batch. Return the exit code."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        updater = Updater(Connections.read(), settings)
    except BadConnection as error:
        print(f"grade updater: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"grade updater: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: updater.stop())
    if sys.argv[1:] == ["--once"]:
        batch = updater.batch()
        print(batch)
        return 1 if batch.failed else 0
    updater.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

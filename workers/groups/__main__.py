"""``python -m workers.groups``: one process of a consumer group; start several kinds under different names."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from collections.abc import Callable

from pydantic import ValidationError

from contract.connections import Connections
from contract.errors import BadConnection
from contract.logs import start_logging
from contract.registry import registry_of
from workers.groups.kinds import KINDS
from workers.groups.loop import Group, GroupFailed
from workers.groups.queue import QueueGroup
from workers.groups.settings import Settings
from workers.groups.work import Work


def main(around: Callable[[Work], Work] = lambda work: work) -> int:
    """Work until SIGTERM or SIGINT; return the exit code. *around* may put something between loop and work."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        connections = Connections.read()
        work = around(KINDS[settings.group_kind](settings, connections))
        group: Group | QueueGroup
        if settings.group_queue_table:
            group = QueueGroup(connections, settings, work)
        else:
            group = Group(connections.kafka, settings, work, registry_of(connections))
    except BadConnection as error:
        print(f"group: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"group: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    gc.freeze()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: group.stop())
    try:
        group.run()
    except GroupFailed as error:
        logging.getLogger("workers.groups").error("%s; start the group again", error)  # noqa: TRY400 - says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

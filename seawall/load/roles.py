"""What each kind of Locust process does around a test: the one that is alone, a worker, the master.

Locust's events say when a test starts, stops and has stopped; experiments, which have no options, take no role.
"""

from __future__ import annotations

from typing import Protocol

from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from seawall.load.alone_role import Alone
from seawall.load.master_role import Master
from seawall.load.plain_run import Ledgers, SetRun
from seawall.load.worker_role import Worker


class Role(Protocol):
    """What this process has to do around a test."""

    def start(self) -> None:
        """Prepare before the first user starts."""
        ...

    def stopping(self) -> None:
        """Act before users are stopped."""
        ...

    def stopped(self) -> None:
        """Act after the last user has stopped."""
        ...

    def quitting(self) -> None:
        """Act before Locust decides on its exit code."""
        ...


def role_of(environment: Environment, ledgers: Ledgers, set_run: SetRun) -> Alone | Worker | Master:
    """Return what this process does, by its runner."""
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        return Master(environment, runner, ledgers)
    if isinstance(runner, WorkerRunner):
        return Worker(environment, runner, set_run)
    assert isinstance(runner, LocalRunner)
    return Alone(environment, runner, ledgers, set_run)

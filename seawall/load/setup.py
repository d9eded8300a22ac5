"""Makes Locust ready for these users: options, limits, the service's address, one `LoadRun` a test.

Importing `seawall.load` registers this with Locust, so a locustfile has nothing to set up.
"""

from __future__ import annotations

import logging
import sys
import time
from argparse import ArgumentParser
from typing import Any
from weakref import WeakKeyDictionary

import gevent
import locust.stats
from locust import events
from locust.env import Environment

from contract.connections import Connections
from seawall.load.payloads import MIXES
from seawall.load.percentiles import bucket
from seawall.load.priority import ask_for_short_turns
from seawall.load.run import LoadRun
from seawall.load.sockets import keep_connections_above_1024_files, raise_file_limit
from seawall.stack.state import read_state

logger = logging.getLogger(__name__)
NO_STACK = "no stack is running: start one with `bin/seawall up`, or give --host"

_runs: WeakKeyDictionary[Environment, LoadRun] = WeakKeyDictionary()


def register() -> None:
    """Hook into Locust's events; called once, when `seawall.load` is imported."""
    keep_connections_above_1024_files()
    locust.stats.bucket_response_time = bucket  # Locust offers this function for replacement
    raise_file_limit()
    ask_for_short_turns()
    events.init_command_line_parser.add_listener(_add_options)
    events.init.add_listener(_find_service)
    events.test_start.add_listener(_start_run)


def run_of(environment: Environment) -> LoadRun:
    """Return the run that users of *environment* take part in."""
    return _runs[environment]


def set_run(environment: Environment, run: LoadRun) -> None:
    """Make *run* the one that users of *environment* take part in from now on."""
    _runs[environment] = run


def _add_options(parser: ArgumentParser) -> None:
    # Not in a group of their own: Locust's web page only offers options that were added to the parser itself.
    parser.add_argument(
        "--user-rate",
        type=float,
        default=1.0,
        env_var="SEAWALL_USER_RATE",
        help="Requests a second of each user, on an absolute schedule (default 1)",
    )
    parser.add_argument(
        "--entity",
        choices=sorted(MIXES),
        default="mixed",
        env_var="SEAWALL_ENTITY",
        help="Which records are written (default mixed: 8 orders to 1 user and 1 product)",
    )
    parser.add_argument("--seed", type=int, default=1, env_var="SEAWALL_SEED", help="Seed of contents and phases")


def _find_service(environment: Environment, **_: Any) -> None:
    """Fill in the running stack's address; a headless run without any address ends here, with code 2."""
    options = environment.parsed_options
    if environment.host or options is None or options.worker or any(user.host for user in environment.user_classes):
        return
    state = read_state()
    environment.host = Connections.read().api_url or (state.api_url if state else None)
    if environment.host:
        return
    logger.error(NO_STACK)
    if options.headless:
        sys.exit(2)


def _start_run(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if options is None:  # an experiment sets the run of each of its trials itself
        return
    run = LoadRun(
        seed=options.seed,
        entity=options.entity,
        rate_per_s=options.user_rate,
        worker_index=max(0, getattr(environment.runner, "worker_index", 0)),
    )
    set_run(environment, run)
    run.open_gate(time.monotonic_ns(), None)
    gevent.sleep(0)

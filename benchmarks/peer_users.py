"""Locust's own users, for `peers`: a locustfile that knows nothing of Seawall.

``locust -f benchmarks/peer_users.py Fast --headless --reset-stats ... --peer-rate 5 --peer-result FILE`` writes what
Locust itself measured, from the moment all users were there, to FILE.
"""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from locust import FastHttpUser, HttpUser, User, constant, constant_throughput, events, task
from locust.env import Environment

_BODY = '{"id":"01890000-0000-8000-8000-000000000000","name":"' + "n" * 180 + '"}'
_JSON = {"Content-Type": "application/json"}
_began_s: list[float] = []


def wait(user: User) -> float:
    """Return Locust's own pause for the asked rate, or none."""
    options = user.environment.parsed_options
    rate = options.peer_rate if options else 0.0
    pause: float = (constant_throughput(rate) if rate else constant(0))(user)
    return pause


class Fast(FastHttpUser):
    """Locust's fast client."""

    wait_time = wait

    @task
    def write(self) -> None:
        """Post one record."""
        self.client.post("/v1/grouped/orders", data=_BODY, headers=_JSON)


class Plain(HttpUser):
    """Locust's client on requests."""

    wait_time = wait

    @task
    def write(self) -> None:
        """Post one record."""
        self.client.post("/v1/grouped/orders", data=_BODY, headers=_JSON)


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--peer-rate", type=float, default=0.0, help="requests a second of each user; 0: no pause")
    parser.add_argument("--peer-mended", action="store_true", help="keep connections whatever their file number")
    parser.add_argument("--peer-result", help="JSON file of what was measured")


def _mend(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if options is not None and options.peer_mended:
        from seawall.load.sockets import keep_connections_above_1024_files  # noqa: PLC0415 - the others go without

        keep_connections_above_1024_files()


def _begin(**_: Any) -> None:
    _began_s.append(time.process_time())


def _write(environment: Environment, **_: Any) -> None:
    total, options = environment.stats.total, environment.parsed_options
    assert options is not None
    found = {
        "requests": total.num_requests,
        "failed": total.num_failures,
        "cpu_s": time.process_time() - _began_s[0],
        "quantiles_ms": [total.get_response_time_percentile(share) for share in (0.5, 0.95, 0.99)],
    }
    Path(options.peer_result).write_text(json.dumps(found), encoding="utf-8")


events.init_command_line_parser.add_listener(_add_options)
events.init.add_listener(_mend)
events.spawning_complete.add_listener(_begin)
events.test_stop.add_listener(_write)

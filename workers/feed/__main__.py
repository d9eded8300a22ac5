"""``python -m workers.feed``: one feed process."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import socket
import sys
from types import FrameType

import uvicorn
from pydantic import ValidationError

from contract.connections import Connections as Servers
from contract.errors import BadApiKeys, BadConnection
from contract.logs import start_logging
from contract.metrics_listener import Metrics, MetricsListener, NoMetrics
from contract.newcomers import WelcomingServer
from contract.registry import registry_of
from workers.feed.app import Feed, create_app
from workers.feed.connections import FeedHttp, FeedWebSocket
from workers.feed.counts import FeedCounts
from workers.feed.database_feed import DatabaseFeed
from workers.feed.keys import door_of
from workers.feed.log_feed import LogFeed
from workers.feed.records import Reading
from workers.feed.settings import Settings
from workers.feed.source import Source

log = logging.getLogger("workers.feed")

_BACKLOG = 4_096
_GOING_S = 0.05


class FeedServer(WelcomingServer):
    """Says goodbye to all subscribers at the first signal, and ends when they have left; at once at the second."""

    def __init__(self, config: uvicorn.Config, feed: Feed, farewell_s: float) -> None:
        super().__init__(config)
        self._feed, self._farewell_s = feed, farewell_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._going: asyncio.Task[None] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear a signal."""
        del sig, frame
        if self._going is not None or self._loop is None:
            self.force_exit = self.should_exit = True
        else:
            self._loop.call_soon_threadsafe(self._begin_to_go)

    def _begin_to_go(self) -> None:
        if self._going is None:
            self._going = asyncio.get_running_loop().create_task(self._go())

    async def _go(self) -> None:
        self._feed.go_away()
        log.info("going away: %d subscribers are told", self._feed.subscribers)
        due_s = asyncio.get_running_loop().time() + 2 * self._farewell_s
        while self._feed.subscribers and asyncio.get_running_loop().time() < due_s:  # noqa: ASYNC110 - a count
            await asyncio.sleep(_GOING_S)
        self.should_exit = True


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    counts = FeedCounts()
    try:
        settings = Settings()
        start_logging(settings.log_format)
        door = door_of(settings)
        source = _source_of(settings, counts)
        metrics: Metrics = NoMetrics()
        if settings.feed_metrics_port is not None:
            metrics = MetricsListener(
                settings.feed_metrics_host,
                settings.feed_metrics_port,
                [counts],
                settings.api_keys_file,
                setting="SEAWALL_FEED_METRICS_HOST",
            )
    except (BadConnection, BadApiKeys) as error:
        print(f"feed: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"feed: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    try:
        metrics.start()
        sockets = _sockets(settings)
    except OSError as error:
        print(f"feed: a port cannot be had: {error}", file=sys.stderr)
        return 2
    _raise_open_files()
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it says each connection's coming
    feed = Feed(settings, source, door, counts)
    config = uvicorn.Config(
        create_app(feed),
        loop="uvloop",
        http=FeedHttp,
        ws=FeedWebSocket,
        ws_max_size=4_096,  # nobody has much to say here
        ws_ping_interval=settings.feed_heartbeat_s,
        ws_ping_timeout=settings.feed_pong_s,
        ws_per_message_deflate=False,  # a window for each of thousands would take more than the records
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        lifespan="on",
    )
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    server = FeedServer(config, feed, settings.feed_farewell_s)
    log.info("the %s's feed listens on %s", settings.feed_source, sockets[0].getsockname())
    server.run(sockets=sockets)
    return 0 if server.started else 1


def _source_of(settings: Settings, counts: FeedCounts) -> Source:
    servers = Servers.read()
    if settings.feed_source == "database":
        return DatabaseFeed(
            servers.psycopg_url,
            counts,
            poll_s=settings.feed_poll_ms / 1e3,
            connections=settings.feed_poll_connections,
            queue_bytes=settings.feed_queue_bytes,
        )
    return LogFeed(
        servers.kafka,
        settings.feed_name,
        Reading(registry_of(servers)),
        counts,
        linger_s=settings.feed_linger_ms / 1e3,
        round_records=settings.feed_round_records,
        recent_records=settings.feed_recent_records,
        queue_bytes=settings.feed_queue_bytes,
    )


def _sockets(settings: Settings) -> list[socket.socket]:
    found = [socket.socket(fileno=number) for number in settings.feed_sockets]
    if not found:
        family = socket.AF_INET6 if ":" in settings.feed_host else socket.AF_INET
        found = [socket.create_server((settings.feed_host, settings.feed_port), family=family, backlog=_BACKLOG)]
    for one in found:
        # what is accepted inherits it
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.feed_send_buffer_bytes)
    return found


def _raise_open_files() -> None:
    """Every subscriber is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())

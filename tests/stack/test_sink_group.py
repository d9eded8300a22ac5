"""Whether all sinks read, by what each of them shows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from seawall.stack.ports import HOST
from seawall.stack.sink_group import SinkGroup

PARTITIONS = 9
GONE = f"http://{HOST}:1/metrics"


@contextmanager
def page(partitions: int) -> Iterator[str]:
    """Show that a sink reads so many partitions."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = f"# TYPE seawall_sink_partitions gauge\nseawall_sink_partitions {partitions}.0\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer((HOST, 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://{HOST}:{server.server_port}/metrics"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("first", "second", "at_work"),
    [
        (4, 5, {"sink-1", "sink-2"}),
        (9, 0, {"sink-1"}),
        (4, 4, None),  # one partition moves, or somebody else has it
        (9, 5, None),  # one of them does not know yet that its partitions are another's
        (0, 0, None),
    ],
)
def test_all_is_well_when_each_partition_has_one_reader(first: int, second: int, at_work: set[str] | None) -> None:
    """As the numbers of partitions add up."""
    with page(first) as one, page(second) as two:
        group = SinkGroup({"sink-1": one, "sink-2": two}, lambda: PARTITIONS)
        assert group.at_work() == at_work
        assert group.is_whole(2) is (at_work is not None and len(at_work) == 2)
        assert group.is_whole(1) is (at_work is not None)


def test_one_that_shows_nothing_is_not_there() -> None:
    """Others may have taken over what it read."""
    with page(PARTITIONS) as one:
        group = SinkGroup({"sink-1": one, "sink-2": GONE}, lambda: PARTITIONS)
        assert group.at_work() == {"sink-1"}
        assert not group.is_whole(2)


def test_more_sinks_than_partitions_are_whole_when_these_have_readers() -> None:
    """And none at all lacks nothing."""
    with page(1) as one, page(0) as two:
        assert SinkGroup({"sink-1": one, "sink-2": two}, lambda: 1).is_whole(2)
    assert SinkGroup({}, lambda: PARTITIONS).is_whole(0)

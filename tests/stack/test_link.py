"""A database that is far away or slow: a small stack without Kafka, with both delays."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from contract.connections import Connections
from seawall.stack.errors import BadOptions, StackError
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

DELAY_S, FLUSH_S = 0.03, 0.05


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a stack whose database is 30 ms away and takes 50 ms longer to flush."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(tmp_path_factory.mktemp("far")))
        options = StackOptions(kafka=False, database_delay_ms=1_000 * DELAY_S, flush_delay_ms=1_000 * FLUSH_S)
        running = Stack.up(options, owner="tests")
        yield running
        running.down()


def url_of(stack: Stack) -> str:
    """Return the database's address by way of the link."""
    port = stack.state.services["database-link"].port
    parts = urlsplit(stack.connections.psycopg_url)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()


def seconds(work: Callable[[], object]) -> float:
    """Return the shortest time that *work* took, of five."""
    times = []
    for _ in range(5):
        begun_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun_s)
    return min(times)


def test_a_round_trip_takes_the_delay_longer_and_data_in_a_row_do_not_wait_for_one_another(far: Stack) -> None:
    """The instrument's own way has no delay; a pipeline of many statements has it once."""
    with psycopg.connect(url_of(far), autocommit=True) as slow, psycopg.connect(far.connections.psycopg_url) as direct:
        assert seconds(lambda: direct.execute("SELECT 1")) < DELAY_S
        assert seconds(lambda: slow.execute("SELECT 1")) >= DELAY_S

        def hundred() -> None:
            with slow.pipeline():
                for _ in range(100):
                    slow.execute("SELECT 1")

        assert DELAY_S <= seconds(hundred) < 10 * DELAY_S


def test_what_is_sent_arrives_whole_and_in_order(far: Stack) -> None:
    """Megabytes there and back, more than may wait in the link at once."""
    with psycopg.connect(url_of(far), autocommit=True) as slow:
        slow.execute("CREATE TEMPORARY TABLE long (number INTEGER, text TEXT)")
        with slow.cursor().copy("COPY long FROM STDIN") as copy:
            for number in range(20_000):
                copy.write_row((number, "x" * 1_000))
        rows = slow.execute("SELECT number, length(text) FROM long ORDER BY ctid").fetchall()
        assert rows == [(number, 1_000) for number in range(20_000)]
        (text,) = slow.execute("SELECT string_agg(text, '' ORDER BY number) FROM long").fetchone() or ("",)
        assert len(text) == 20_000_000


def test_a_commit_waits_for_its_flush_and_the_settings_say_so(far: Stack) -> None:
    """PostgreSQL itself waits before it flushes, so that those who commit meanwhile share the flush."""
    settings = far.settings()["postgres"]
    assert (settings["commit_delay"], settings["commit_siblings"]) == ("50000", "0")
    with psycopg.connect(far.connections.psycopg_url, autocommit=True) as direct:
        direct.execute("CREATE TABLE IF NOT EXISTS flushed (number INTEGER)")
        try:
            assert seconds(lambda: direct.execute("INSERT INTO flushed VALUES (1)")) >= FLUSH_S
        finally:
            direct.execute("DROP TABLE flushed")


def test_a_link_that_dies_is_started_again_on_the_same_port(far: Stack) -> None:
    """Connections that went through it are lost, as they are where a network fails."""
    before = far.state.services["database-link"]
    with psycopg.connect(url_of(far), autocommit=True) as slow:
        far.signal("database-link", signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            slow.execute("SELECT pg_sleep(5)")
    deadline = time.monotonic() + 10
    while far.state.services["database-link"].restarts == before.restarts:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with psycopg.connect(url_of(far), autocommit=True, connect_timeout=10) as slow:
        assert slow.execute("SELECT 1").fetchone() == (1,)
    assert far.state.services["database-link"].port == before.port


def test_delays_that_cannot_be_made_are_refused() -> None:
    """Before anything is started, and in words."""
    with pytest.raises(BadOptions, match=r"database's delay.*flush"):
        StackOptions(database_delay_ms=0.5, flush_delay_ms=101).checked()


def test_the_flushes_of_somebody_elses_database_are_left_alone(
    far: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which setting is in the way."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path))
    monkeypatch.setenv("SEAWALL_DATABASE_URL", far.connections.psycopg_url)
    assert Connections.read().database_url is not None
    with pytest.raises(StackError, match="SEAWALL_DATABASE_URL is not ours"):
        Stack.up(StackOptions(kafka=False, flush_delay_ms=1), owner="tests")

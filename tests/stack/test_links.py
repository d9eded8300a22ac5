"""Links that are late, silent or cut: small stacks, one with a database that is far away and slow."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import psutil
import psycopg
import pytest

from contract.connections import Connections
from contract.entities import ENTITIES
from contract.ids import Run, mint
from contract.samples import sample_fields
from seawall.stack.errors import BadOptions, StackError, Unreachable
from seawall.stack.links import disturbed, mend
from seawall.stack.links_process import Command
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

DELAY_S, FLUSH_S = 0.03, 0.05
TICK_S = 0.001  # the link's timers count whole milliseconds
USERS = ENTITIES["users"]
RUN = Run(time.time_ns() // 1_000_000, 8)


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
    return database_url_of(stack.state.services["api"].pid)


def database_url_of(pid: int | None) -> str:
    """Return the address by which a process of ours reaches the database."""
    return psutil.Process(pid).environ()["SEAWALL_DATABASE_URL"]


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
        assert seconds(lambda: slow.execute("SELECT 1")) >= DELAY_S - TICK_S

        def hundred() -> None:
            with slow.pipeline():
                for _ in range(100):
                    slow.execute("SELECT 1")

        assert DELAY_S - TICK_S <= seconds(hundred) < 10 * DELAY_S


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
    before = far.state.services["links"]
    with psycopg.connect(url_of(far), autocommit=True) as slow:
        far.signal("links", signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            slow.execute("SELECT pg_sleep(5)")
    deadline = time.monotonic() + 10
    while far.state.services["links"].restarts == before.restarts:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with psycopg.connect(url_of(far), autocommit=True, connect_timeout=10) as slow:
        assert slow.execute("SELECT 1").fetchone() == (1,)


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


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a stack whose every connection goes by a link."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(tmp_path_factory.mktemp("linked")))
        running = Stack.up(StackOptions(links=True), owner="tests")
        yield running
        running.down()


def write(stack: Stack, path: str, sequence: int) -> int:
    """Return the status of one write, or 0 where no answer comes within seconds."""
    identity = mint(RUN, sequence, 1, USERS.number)
    body = msgspec.json.encode({"id": identity, **sample_fields(USERS, 1, 1)[0]})
    try:
        return httpx.post(
            f"{stack.state.api_url}/v1/{path}/users",
            content=body,
            headers={"content-type": "application/json", **stack.api_headers},
            timeout=4,
        ).status_code
    except httpx.TimeoutException:
        return 0


def is_stored(stack: Stack, sequence: int) -> bool:
    """Tell whether a record has its row; what an earlier test sent may come late."""
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as database:
        found = database.execute("SELECT 1 FROM users WHERE id = %s", (mint(RUN, sequence, 1, USERS.number),))
        return found.fetchone() is not None


@pytest.mark.parametrize(("link", "path"), [("api-postgres", "sync"), ("api-kafka", "kafka")], ids=["database", "log"])
@pytest.mark.long
def test_what_goes_by_a_cut_link_is_broken_and_heals(linked: Stack, link: str, path: str) -> None:
    """The other path does not notice, and neither does the instrument."""
    other = {"sync": "kafka", "kafka": "sync"}[path]
    data = Path(linked.state.data_dir)
    assert {write(linked, one, 1) for one in (path, other)} <= {201, 202}
    with disturbed(data, Command(link=link, cut=True)) as before:
        assert before.connections > 0 or before.broken > 0
        # Kafka's producer tries for ten seconds before it gives up
        assert write(linked, path, 2) in ((503,) if path == "sync" else (0, 503))
        assert write(linked, other, 3) in (201, 202)
        assert linked.row_counts()["users"] >= 1
    assert mend(data, link).broken > 0
    deadline = time.monotonic() + 15
    while write(linked, path, 4) not in (201, 202):
        assert time.monotonic() < deadline
    linked.fresh()


@pytest.mark.long
def test_a_silent_link_closes_nothing_and_hands_on_all_of_it_later(linked: Stack) -> None:
    """A sink whose way to the log says nothing stores nothing, and everything afterwards."""
    data = Path(linked.state.data_dir)
    with disturbed(data, Command(link="sink-postgres", silent=True)):
        assert write(linked, "kafka", 5) == 202
        time.sleep(1)
        assert not is_stored(linked, 5)
    assert mend(data, "sink-postgres").withheld > 0
    deadline = time.monotonic() + 15
    while not is_stored(linked, 5):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    linked.fresh()


@pytest.mark.long
def test_a_late_link_is_late_by_so_much(linked: Stack) -> None:
    """And counts what it handed on."""
    data = Path(linked.state.data_dir)
    write(linked, "sync", 6)
    with disturbed(data, Command(link="api-postgres", delay_s=0.3)):
        assert seconds(lambda: write(linked, "sync", 6)) >= 0.3
    assert mend(data, "api-postgres").delayed_bytes > 0
    linked.fresh()


def test_a_stack_without_links_says_so(far: Stack, tmp_path: Path) -> None:
    """Whoever disturbs one has to have one."""
    with pytest.raises(Unreachable, match="no links"):
        mend(tmp_path, "api-postgres")
    assert far.state.services["links"].kind == "link"

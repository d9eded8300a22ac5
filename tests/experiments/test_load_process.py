"""The load process: a real Locust, one trial after the other."""

from __future__ import annotations

import signal
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from api.problems import Unavailable
from seawall.audit.ledger import read_ledger
from seawall.experiments.errors import LoadFailed
from seawall.experiments.load_process import LoadProcess
from seawall.load.profile import Profile, Stage
from seawall.load.trial import Progress, TrialLoad
from seawall.stack.certificates import Certificate
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack


@pytest.fixture
def load(stack: Stack, tmp_path: Path) -> Iterator[LoadProcess]:
    """Give a load process for the running stack."""
    with LoadProcess(stack.state.api_url, tmp_path / "load.log") as process:
        yield process


def trial(directory: Path, name: str = "t", **rest: object) -> TrialLoad:
    """Return a small trial."""
    asked = {"path": "grouped", "entity": "users", "users": 10, "seed": 1, **rest}
    return TrialLoad(name=name, directory=str(directory), **asked)  # type: ignore[arg-type]


def ignore(_: Progress) -> None:
    """Take no notice."""


class Once:
    """Calls *do* as soon as the trial's first requests have been answered, and *then* a little later."""

    def __init__(self, do: Callable[[], object], then: Callable[[], object] | None = None) -> None:
        self._do, self._then, self._done = do, then, False

    def __call__(self, progress: Progress) -> None:
        """Take notice of the trial's progress."""
        if progress.answered and not self._done:
            self._done = True
            self._do()
            if self._then is not None:
                threading.Timer(0.3, self._then).start()


def test_a_rate_is_kept_to_the_request(load: LoadProcess, tmp_path: Path) -> None:
    """Ten users at 20 a second for 1.5 s are 300 requests, each due at its own moment, and all is recorded."""
    done = load.run(trial(tmp_path, rate_per_s=20.0, warmup_s=0.5, duration_s=1.0), ignore)
    ledger = read_ledger(Path(done.ledger))
    assert (done.planned, done.sent, len(ledger.status)) == (300, 300, 300)
    assert set(ledger.status.tolist()) == {201}
    assert ((ledger.intended_ns >= done.start_ns) & (ledger.intended_ns < done.end_ns)).all()
    for user in range(10):
        assert set(np.diff(np.sort(ledger.intended_ns[ledger.user == user])).tolist()) == {50_000_000}
    assert (ledger.sent_ns >= ledger.intended_ns).all()
    assert len(np.unique(ledger.low)) == 300


def test_figures_are_shown_to_nobody_where_no_prometheus_reads_them(load: LoadProcess, tmp_path: Path) -> None:
    """Nothing beside the load takes processor time."""
    (process,) = [one for one in psutil.Process().children() if "seawall.load.generator" in one.cmdline()]
    beside: list[psutil.Process] = []
    load.run(trial(tmp_path, rate_per_s=20.0, duration_s=0.3), Once(lambda: beside.extend(process.children())))
    assert beside == []


BURST = Profile(
    name="burst",
    stages=tuple(
        Stage(name=name, duration_s=length_s, from_per_s=rate, to_per_s=rate)
        for name, length_s, rate in (("before", 0.5, 40.0), ("burst", 0.5, 400.0), ("after", 0.5, 40.0))
    ),
)


def test_a_profile_is_followed_to_the_request(load: LoadProcess, tmp_path: Path) -> None:
    """Twenty users send 20, 200 and 20 requests in its three stages, each due when the rate says."""
    done = load.run(trial(tmp_path, users=20, rate_per_s=8.0, profile=BURST, warmup_s=0.5, duration_s=1.0), ignore)
    ledger = read_ledger(Path(done.ledger))
    assert (done.planned, done.sent, len(ledger.status)) == (240, 240, 240)
    after_ns = ledger.intended_ns - done.start_ns
    assert [int(((after_ns >= low) & (after_ns < high)).sum()) for low, high in BURST.bounds_ns()] == [20, 200, 20]
    assert done.end_ns - done.start_ns == BURST.length_ns


def test_a_count_is_sent_once_each(load: LoadProcess, tmp_path: Path) -> None:
    """Fifty records by seven users: fifty requests with fifty ids."""
    done = load.run(trial(tmp_path, count=50, users=7), ignore)
    ledger = read_ledger(Path(done.ledger))
    assert (done.planned, done.sent) == (50, 50)
    assert len(np.unique(ledger.low)) == 50


def test_trials_share_the_process_and_nothing_else(load: LoadProcess, tmp_path: Path) -> None:
    """The second trial has ids, files and statistics of its own."""
    first, second = (load.run(trial(tmp_path, name, count=20), ignore) for name in ("one", "two"))
    one, two = read_ledger(Path(first.ledger)), read_ledger(Path(second.ledger))
    assert one.run != two.run
    assert len(one.status) == len(two.status) == 20
    assert "Aggregated,20,0," in (tmp_path / "two_stats.csv").read_text()


def test_the_instrument_reports_on_itself(load: LoadProcess, tmp_path: Path) -> None:
    """One connection a user, no reconnects, a loop that was watched, and no step of the clock."""
    health = load.run(trial(tmp_path, rate_per_s=20.0, duration_s=1.0), ignore).health
    assert (health.connections_opened, health.reconnects) == (10, 0)
    assert 0 < health.loop_lag_p99_ms <= health.loop_lag_max_ms
    assert 0 < health.cpu_share <= 1.1
    assert health.clock_step_ms < 1_000


def test_a_stall_of_the_generator_is_seen_as_its_own(load: LoadProcess, stack: Stack, tmp_path: Path) -> None:
    """The generator is stopped for 300 ms in mid-run: loop lag and the generator's own lag show it."""
    children = psutil.Process().children(recursive=True)
    generator = next(child for child in children if "seawall.load.generator" in " ".join(child.cmdline()))
    stall = Once(generator.suspend, generator.resume)
    # Users that wait for their time, and not for an answer, are those whose lateness is the generator's alone.
    done = load.run(trial(tmp_path, users=100, rate_per_s=2.0, duration_s=2.0), stall)
    assert done.health.loop_lag_max_ms > 200
    assert read_ledger(Path(done.ledger)).generator_lag_ns.max() > 200e6
    assert done.sent == done.planned


def test_a_stall_of_the_service_is_not_the_generators(load: LoadProcess, stack: Stack, tmp_path: Path) -> None:
    """The API is stopped for 300 ms: response times show it for every request that was due, the own lag does not."""
    stall = Once(partial(stack.signal, "api", signal.SIGSTOP), partial(stack.signal, "api", signal.SIGCONT))
    done = load.run(trial(tmp_path, rate_per_s=20.0, duration_s=2.0), stall)
    ledger = read_ledger(Path(done.ledger))
    response_ms = (ledger.answered_ns - ledger.intended_ns) / 1e6
    assert response_ms.max() > 250
    # 300 ms of 200 requests a second, from full delay down to none: not just the ten that were under way
    assert (response_ms > 100).sum() > 25
    assert np.quantile(ledger.generator_lag_ns, 0.9) < 100e6


def test_a_service_that_is_not_there_is_no_answer_and_no_hang(tmp_path: Path) -> None:
    """Every request is recorded without a status."""
    with LoadProcess(f"http://127.0.0.1:{free_ports(1)[0]}", tmp_path / "load.log") as load:
        done = load.run(trial(tmp_path, count=30), ignore)
    assert set(read_ledger(Path(done.ledger)).status.tolist()) == {0}


def test_a_load_process_that_dies_is_said(load: LoadProcess, tmp_path: Path) -> None:
    """The error names the log, and closing afterwards is no error."""
    children = psutil.Process().children(recursive=True)
    generator = next(child for child in children if "seawall.load.generator" in " ".join(child.cmdline()))
    with pytest.raises(LoadFailed, match=r"ended with code -9; see .*load\.log"):
        load.run(trial(tmp_path, rate_per_s=5.0, duration_s=20.0), Once(generator.kill))


def test_a_ledger_that_cannot_be_written_is_said(load: LoadProcess, tmp_path: Path) -> None:
    """A name that is taken already ends the trial with a reason, and the process goes on."""
    (tmp_path / "t.parquet").mkdir()
    with pytest.raises(LoadFailed, match=r"t: .*File exists"):
        load.run(trial(tmp_path, count=5), ignore)
    assert load.run(trial(tmp_path, "u", count=5), ignore).sent == 5


def test_a_full_disk_is_said_and_what_was_written_stays(load: LoadProcess, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the first trial fits, the second does not."""
    first = load.run(trial(tmp_path, "one", count=20), ignore)
    children = psutil.Process().children(recursive=True)
    generator = next(child for child in children if "seawall.load.generator" in " ".join(child.cmdline()))
    generator.rlimit(psutil.RLIMIT_FSIZE, (1_000, 1_000))
    with pytest.raises(LoadFailed, match=r"two: .*File too large"):
        load.run(trial(tmp_path, "two", count=2_000), ignore)
    assert len(read_ledger(Path(first.ledger)).status) == 20
    assert not list((tmp_path / "two.parquet").glob("*.partial"))


CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"


class Diary:
    """A server that notes when each request came and when each connection ended; by TLS where it has a *context*."""

    def __init__(self, answer: bytes = CREATED, *, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[int] = []
        self.ends: list[int] = []
        self._answer = answer
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler(), bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.request_queue_size = 100
        self._server.server_bind()
        self._server.server_activate()
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        requests, ends, answer = self.requests, self.ends, self._answer

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                while self.request.recv(65_536):  # small requests come in one piece here
                    requests.append(time.monotonic_ns())
                    self.request.sendall(answer)
                ends.append(time.monotonic_ns())

        return Handler


def test_a_refusal_that_says_that_nothing_was_stored_is_taken_at_its_word(tmp_path: Path) -> None:
    """Its outcome is not unknown; that of a refusal which leaves it open is."""
    for problem, denied in (
        (Unavailable("too many wait"), True),
        (Unavailable("it did not answer", outcome_unknown=True), False),
    ):
        body = problem.answer().body
        diary = Diary(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        with LoadProcess(diary.url, tmp_path / "load.log") as process:
            done = process.run(trial(tmp_path, f"denied-{denied}", users=2, count=10), ignore)
        diary.close()
        ledger = read_ledger(Path(done.ledger))
        assert ledger.status.tolist() == [503] * 10
        assert ledger.refused.tolist() == [denied] * 10
        assert not ledger.succeeded.any()


@pytest.mark.parametrize("plan", [{"rate_per_s": 5.0, "duration_s": 1.0}, {"count": 200}], ids=["rate", "count"])
def test_users_leave_together(plan: dict[str, Any], tmp_path: Path) -> None:
    """No connection ends while others still send: ten thousand ends would take the last second's processor time."""
    diary = Diary()
    with LoadProcess(diary.url, tmp_path / "load.log") as process:
        done = process.run(trial(tmp_path, users=20, **plan), ignore)
    diary.close()
    assert len(diary.requests) == done.sent == done.planned
    assert len(diary.ends) == 20
    assert min(diary.ends) > max(diary.requests)


def test_a_share_of_users_uses_tls(tmp_path: Path) -> None:
    """About a fifth of a hundred, and what answers in cleartext hears nothing of them."""
    certificate = Certificate.made_in(tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    plain, secure = Diary(), Diary(context=context)
    with LoadProcess(plain.url, tmp_path / "load.log") as process:
        some = trial(tmp_path, users=100, rate_per_s=2.0, duration_s=1.0, tls=0.2, tls_url=secure.url)
        done = process.run(some, ignore)
    plain.close()
    secure.close()
    assert len(plain.requests) + len(secure.requests) == 200
    assert abs(len(secure.requests) - 40) <= 2  # as even as whole users can be
    assert read_ledger(Path(done.ledger)).accepted.all()


@pytest.mark.long
def test_a_generator_forgets_its_trials(load: LoadProcess, tmp_path: Path) -> None:
    """What twenty trials leave behind is less than their recorders' buffers alone."""

    def held_after(first: int, count: int) -> int:
        for number in range(first, first + count):
            load.run(trial(tmp_path, f"t{number}", rate_per_s=20.0, duration_s=0.2), ignore)
        use = load.use(thorough=True)
        assert use is not None
        assert use.open_files
        return use.rss_bytes

    settled = held_after(0, 10)
    assert held_after(10, 20) < settled + 20 * 36 * 20_000 / 2

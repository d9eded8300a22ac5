"""What k6 wrote, read back: files as k6 writes them, whole, cut off and foreign."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from contract.ids import Run, mint
from seawall.audit.ledger import Ledger, read_ledger
from seawall.load.k6_ledger import convert
from seawall.load.k6_run import ClockPair, K6Load, K6Run, clock_pair
from seawall.load.k6_samples import BadSamples
from seawall.load.run_record import RunRecord

RUN = Run(1_790_000_000_000, 7)
BEGAN_US = 1_790_000_000_000_000
USERS, RATE = 4, 100
MONOTONIC_NS = 5_000_000_000
HEADER = "metric_name,timestamp,metric_value,error_code,method,name,scenario,status,extra_tags,metadata"


def row(metric: str, at_us: int, value: float = 1.0, tags: str = "", status: str = "", identity: str = "") -> str:
    """Return a sample as k6 writes it."""
    name = "/v1/sync/orders" if tags else ""
    method = "POST" if tags else ""
    metadata = f"id={identity}" if identity else ""
    return f"{metric},{at_us},{value:f},,{method},{name},ingest,{status},{tags},{metadata}"


def request(number: int, *, status: int = 201, late_us: int = 40, took_us: int = 2_000) -> list[str]:
    """Return the samples that one request leaves; status 0 leaves none of its end."""
    identity = str(mint(RUN, number // USERS + 1, number % USERS, 3))
    sent_us = BEGAN_US + number * 1_000_000 // RATE + late_us
    found = [row("seawall_sent", sent_us, tags="scope=write", identity=identity)]
    if status:
        ending = (sent_us + took_us, took_us / 1e3, "scope=write", str(status), identity)
        found += [row(metric, *ending) for metric in ("http_reqs", "http_req_duration")]
    return found


def begun() -> str:
    """Return the sample that tells the start."""
    return row("seawall_began", BEGAN_US + 500, BEGAN_US / 1e3)


def run_of(path: Path, **other: object) -> K6Run:
    """Return the run whose samples are at *path*; the wall clock is steady unless *other* says so."""
    asked = K6Load(
        run=(RUN.ms, RUN.nonce), seed=1, entity="orders", path="sync", scenario="writes", users=USERS,
        rate_per_s=RATE, duration_s=0.2,
    )  # fmt: skip
    clock = [ClockPair(MONOTONIC_NS + at, BEGAN_US * 1_000 - 10**9 + at) for at in range(0, 3 * 10**9, 250_000_000)]
    given = {"clock": clock, "cpu": [(MONOTONIC_NS, 0.0), (MONOTONIC_NS + 3 * 10**9, 1.5)], **other}
    return K6Run(load=asked, host="http://127.0.0.1:1", started_at="", csv=str(path), cores=2, **given)  # type: ignore[arg-type]


def converted(tmp_path: Path, lines: Iterable[str], **other: object) -> tuple[RunRecord, Ledger]:
    """Write *lines* below the header, and convert them."""
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "k6.csv.gz"
    path.write_bytes(gzip.compress("\n".join([HEADER, *lines, ""]).encode()))
    record = convert(run_of(path, **other), tmp_path / "ledger")
    return record, read_ledger(tmp_path / "ledger")


def test_each_request_has_its_place_and_times_on_the_monotonic_clock(tmp_path: Path) -> None:
    """User, sequence and entity come from its id, what was due when from its number."""
    lines = [begun(), *(sample for number in range(20) for sample in request(number))]
    record, ledger = converted(tmp_path, lines)
    order = np.argsort(ledger.intended_ns)
    assert ledger.user[order].tolist() == [number % USERS for number in range(20)]
    assert ledger.sequence[order].tolist() == [number // USERS + 1 for number in range(20)]
    assert set(ledger.entity.tolist()) == {3}
    assert ledger.endpoints == ("POST /v1/sync/orders",)
    start_ns = MONOTONIC_NS + 10**9 + 40_000  # the least lag of all is taken for the part of a millisecond left out
    assert ledger.intended_ns[order].tolist() == [start_ns + number * 10_000_000 for number in range(20)]
    assert set((ledger.answered_ns - ledger.sent_ns).tolist()) == {2_000_000}
    assert set(ledger.status.tolist()) == {201}
    assert (record.tool, record.users, record.requests, record.unsent, record.planned) == ("k6", 4, 20, 0, 20)
    assert record.scopes == {"POST /v1/sync/orders": "write"}
    assert record.started_ns == record.all_users_ns == start_ns
    assert record.ended_ns == start_ns + 200_000_000
    (share,) = record.processes
    assert share.cpu_s == pytest.approx(0.1)
    assert share.health is not None
    assert (share.health.cpu_share, share.health.clock_step_ms) == (0.25, 0.0)


def test_what_k6_dropped_was_not_sent_and_what_it_never_came_to_neither(tmp_path: Path) -> None:
    """Of 20 ticks 3 were dropped and 5 at the end are missing: 8 are unsent, and the others are due where they were."""
    dropped = [row("dropped_iterations", BEGAN_US + tick * 10_000 + 30) for tick in (2, 3, 4)]
    sent = [line for number in range(12) for line in request(number, late_us=40 + 30_000 * (number >= 2))]
    record, ledger = converted(tmp_path, [begun(), *sent, *dropped])
    assert (record.requests, record.unsent, record.unsent_by_s) == (12, 8, {0: 8})
    assert (ledger.sent_ns - ledger.intended_ns).max() < 1_000


def test_a_request_without_an_end_is_of_unknown_fate(tmp_path: Path) -> None:
    """It was sent, so its record may be there: the ledger holds it, with no answer at the run's end."""
    record, ledger = converted(tmp_path, [begun(), *request(0), *request(1, status=0)])
    assert sorted(ledger.status.tolist()) == [0, 201]
    assert ledger.answered_ns[ledger.status == 0].tolist() == [record.ended_ns]


def test_refusals_that_say_so_are_denied(tmp_path: Path) -> None:
    """A 503 leaves open what became of the record, unless it says that nothing was stored."""
    identity = str(mint(RUN, 1, 1, 3))
    said = row("seawall_denied", BEGAN_US + 20_000, tags="scope=write", identity=identity)
    _, ledger = converted(tmp_path, [begun(), *request(0, status=503), *request(1, status=503), said])
    assert dict(zip(ledger.user.tolist(), ledger.denied.tolist(), strict=True)) == {0: False, 1: True}
    assert ledger.status.tolist() == [503, 503]


def test_a_wall_clock_that_is_set_is_noticed_and_one_that_drifts_is_followed(tmp_path: Path) -> None:
    """By slewing it may run a little faster; a jump is told in milliseconds."""
    drifting = [
        ClockPair(MONOTONIC_NS + at, BEGAN_US * 1_000 - 10**9 + at + at // 4_000) for at in (0, 10**9, 2 * 10**9)
    ]
    record, ledger = converted(tmp_path, [begun(), *request(0), *request(10)], clock=drifting)
    assert record.processes[0].health is not None
    assert record.processes[0].health.clock_step_ms == 0.0
    apart_ns = np.diff(np.sort(ledger.sent_ns))[0]
    assert apart_ns == pytest.approx(100_000_000 - 25_000, abs=1_000)
    jumping = [ClockPair(0, BEGAN_US * 1_000 - 10**9), ClockPair(10**9, BEGAN_US * 1_000 + 70_000_000)]
    record, _ = converted(tmp_path / "other", [begun(), *request(0)], clock=jumping, cpu=[(0, 0.0), (10**9, 1.0)])
    assert record.processes[0].health is not None
    assert record.processes[0].health.clock_step_ms == pytest.approx(69.5)


def test_a_run_that_sent_nothing_has_an_empty_ledger(tmp_path: Path) -> None:
    """All that was planned counts as unsent."""
    record, ledger = converted(tmp_path, [])
    assert (record.requests, record.unsent, len(ledger.status)) == (0, 20, 0)


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, keep: float) -> None:
    """What became of the requests behind the cut nobody knows, so nothing is judged."""
    lines = [HEADER, begun(), *(sample for number in range(2_000) for sample in request(number)), ""]
    whole = gzip.compress("\n".join(lines).encode())
    path = tmp_path / "k6.csv.gz"
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(BadSamples, match="cut off or damaged"):
        convert(run_of(path), tmp_path / "ledger")
    assert not (tmp_path / "ledger").exists()


def test_a_line_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    """In a file that is whole as far as its compression goes."""
    with pytest.raises(BadSamples, match="cut off or damaged"):
        converted(tmp_path, [begun(), *request(0), request(1)[0][:40]])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([row("seawall_sent", BEGAN_US, tags="scope=write", identity=str(mint(Run(5, 5), 1, 0, 3)))], "of another run"),
        (request(0), "does not tell when the scenario began"),
        ([begun(), *request(0), *request(0)], "sent twice"),
    ],
)
def test_samples_of_another_script_are_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    """In words that say what is wrong with them."""
    with pytest.raises(BadSamples, match=said):
        converted(tmp_path, lines)


def test_a_file_that_is_not_of_k6_is_refused(tmp_path: Path) -> None:
    """Or none at all."""
    path = tmp_path / "k6.csv.gz"
    with pytest.raises(BadSamples, match="has written nothing"):
        convert(run_of(path), tmp_path / "ledger")
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(BadSamples, match="has no column"):
        convert(run_of(path), tmp_path / "ledger")
    path.write_bytes(b"plain text\n")
    with pytest.raises(BadSamples, match="cut off or damaged"):
        convert(run_of(path), tmp_path / "ledger")


def test_pairs_of_clocks_are_of_one_moment() -> None:
    """Two of them tell the same distance between both clocks, but for the time between two readings."""
    first, second = clock_pair(), clock_pair()
    apart = (second.wall_ns - second.monotonic_ns) - (first.wall_ns - first.monotonic_ns)
    assert abs(apart) < 50_000_000

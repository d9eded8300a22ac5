"""Parts of several workers become one ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.ledger import read_ledger
from seawall.load.clocks import HostClock, offset_ns, this_clock
from seawall.load.gathering import Gatherer, Part
from seawall.load.parts import CODES, DTYPES, PartFiles
from seawall.load.recorder import MOST_ENDPOINTS, OTHER_ENDPOINTS, ColumnRecorder, Endpoints
from seawall.load.start_lag import StartLag

RUN = Run(1_800_000_000_000, 5)
SECOND = 10**9


def part(user: int, endpoints: list[str], rows: list[tuple[int, int]], clock: HostClock, run: Run = RUN) -> Any:
    """Return a message with rows of (endpoint number, intended time) of one user."""
    columns = {name: np.zeros(len(rows), DTYPES[code]) for name, code in CODES.items()}
    columns["user"][:] = user
    columns["sequence"][:] = range(1, len(rows) + 1)
    columns["endpoint"][:] = [endpoint for endpoint, _ in rows]
    for name in ("intended_ns", "sent_ns", "answered_ns"):
        columns[name][:] = [time_ns for _, time_ns in rows]
    packed = {name: values.tobytes() for name, values in columns.items()}
    message = Part(run=run, endpoints=endpoints, clock=clock, columns=packed)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(message))


def test_workers_that_number_endpoints_differently_make_one_ledger(tmp_path: Path) -> None:
    """Each request keeps its endpoint's name, whoever saw it first, over any number of files."""
    gatherer = Gatherer(PartFiles(tmp_path, RUN, 3, Shape(500, 0.5)), RUN)
    here = this_clock()
    gatherer.take("one", part(1, ["/a", "/b"], [(0, 10), (1, 11)], here))
    gatherer._write()
    gatherer.take("two", part(2, ["/c", "/b"], [(0, 20), (1, 21)], here))
    gatherer.take("two", part(3, ["/c", "/b", "/a"], [(2, 30)], here))
    gatherer.take("two", part(4, ["/d"], [(0, 40)], here, Run(1, 1)))
    gatherer.close()
    ledger = read_ledger(tmp_path)
    named = sorted(zip(ledger.user.tolist(), [ledger.endpoints[number] for number in ledger.endpoint], strict=True))
    assert named == [(1, "/a"), (1, "/b"), (2, "/b"), (2, "/c"), (3, "/a")]
    assert (ledger.run, ledger.seed, ledger.shape) == (RUN, 3, Shape(500, 0.5))
    assert sorted(ledger.intended_ns.tolist()) == [10, 11, 20, 21, 30]
    assert not gatherer.converted


def test_times_of_another_host_become_the_masters(tmp_path: Path) -> None:
    """The other host booted an hour earlier; by the wall clocks its times are moved onto ours."""
    gatherer = Gatherer(PartFiles(tmp_path, RUN, 3, Shape()), RUN)
    here = this_clock()
    hour = 3_600 * SECOND
    there = HostClock("elsewhere", here.monotonic_ns + hour, here.wall_ns)
    gatherer.take("far", part(1, ["/a"], [(0, there.monotonic_ns)], there))
    gatherer.close()
    ledger = read_ledger(tmp_path)
    assert abs(int(ledger.intended_ns[0]) - here.monotonic_ns) < SECOND
    assert gatherer.converted == {"far"}


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (HostClock("ours", 999, 0), 0),
        (HostClock("other", 1_000, 50_000), 0),
        (HostClock("other", 400, 50_000), 600),
        (HostClock("other", 1_000, 50_250), 250),
    ],
)
def test_clocks_of_one_host_need_no_conversion(theirs: HostClock, expected: int) -> None:
    """Only another kernel's clock is moved, by the difference of both hosts' wall and monotonic clocks."""
    assert offset_ns(theirs, HostClock("ours", 1_000, 50_000)) == expected


def test_start_lags_add_up_over_processes() -> None:
    """Two halves merged say what the whole says, to a percent."""
    lags_ns = np.random.default_rng(1).lognormal(14, 2, 10_000).astype(np.int64)
    whole, one, two = StartLag(), StartLag(), StartLag()
    whole.add(lags_ns)
    one.add(lags_ns[:3_000])
    two.add(lags_ns[3_000:])
    one.merge(StartLag(dict(two.counts)))
    assert one.counts == whole.counts
    for share in (0.5, 0.99, 1.0):
        assert whole.quantile_ms(share) == pytest.approx(
            float(np.quantile(lags_ns, share, method="inverted_cdf")) / 1e6, rel=0.01, abs=0.001
        )
    assert StartLag().quantile_ms(0.5) is None


def test_more_endpoints_than_a_byte_can_number_share_one_name(tmp_path: Path) -> None:
    """A locustfile that puts ids into names loses the names beyond the 255th, and no request."""
    recorder = ColumnRecorder(tmp_path / "l", RUN, 1)
    for number in range(300):
        recorder.add(1, number, 0, f"/{number}", (0, 0, 0), 200)
    recorder.close()
    ledger = read_ledger(tmp_path / "l")
    names = [ledger.endpoints[number] for number in ledger.endpoint]
    assert names[:255] == [f"/{number}" for number in range(255)]
    assert set(names[255:]) == {OTHER_ENDPOINTS}
    assert len(Endpoints()) == 0 < len(ledger.endpoints) == MOST_ENDPOINTS

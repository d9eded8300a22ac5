"""The recorder, and the ledger that the audit reads back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contract.ids import Run, mint
from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import read_ledger
from seawall.load.parts import CODES
from seawall.load.recorder import ColumnRecorder

RUN = Run(1_800_000_000_000, 77)


def fill(recorder: ColumnRecorder, count: int) -> None:
    """Add *count* requests of three users, the last endpoint only at the very end."""
    for number in range(count):
        endpoint = "/late" if number == count - 1 else f"/{number % 2}"
        recorder.add(
            number % 3, number // 3 + 1, number % 4, endpoint, (number, number + 1, number + 5), 200 + number % 3
        )


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1_000])
def test_what_is_added_is_read_back_over_any_number_of_files(tmp_path: Path, count: int) -> None:
    """Parts of a hundred requests make one ledger, in order and whole."""
    recorder = ColumnRecorder(tmp_path / "l.parquet", RUN, 5, part_rows=100)
    fill(recorder, count)
    assert len(recorder) == count
    recorder.close()
    ledger = read_ledger(tmp_path / "l.parquet")
    assert (ledger.run, ledger.seed, len(ledger.status)) == (RUN, 5, count)
    assert ledger.intended_ns.tolist() == list(range(count))
    assert ledger.answered_ns.tolist() == list(range(5, count + 5))
    assert [ledger.endpoints[number] for number in ledger.endpoint[-1:]] == ["/late"] * (count > 0)
    assert len(list((tmp_path / "l.parquet").iterdir())) == max(1, -(-count // 100))


def test_the_ids_follow_from_run_user_and_sequence(tmp_path: Path) -> None:
    """No id is kept, and each is the one that was sent."""
    recorder = ColumnRecorder(tmp_path / "l.parquet", RUN, 5)
    fill(recorder, 10)
    recorder.close()
    ledger = read_ledger(tmp_path / "l.parquet")
    ids = [(RUN.high << 64) | int(low) for low in ledger.low]
    assert ids == [mint(RUN, number // 3 + 1, number % 3, number % 4).int for number in range(10)]


def test_files_are_there_while_the_run_goes_on(tmp_path: Path) -> None:
    """A process that is killed in mid-run leaves the parts that were full, and they are read."""
    script = f"""
import os, signal, gevent
from pathlib import Path
from contract.ids import Run
from seawall.load.recorder import ColumnRecorder
recorder = ColumnRecorder(Path({str(tmp_path / "l.parquet")!r}), Run(1, 2), 5, part_rows=100)
for number in range(250):
    recorder.add(1, number, 0, "/", (number, number, number), 200)
while len(list(Path({str(tmp_path / "l.parquet")!r}).glob("*.parquet"))) < 2:
    gevent.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], timeout=30, check=False)
    assert done.returncode == -9
    assert read_ledger(tmp_path / "l.parquet").sequence.tolist() == list(range(200))


def test_a_full_disk_is_said_and_leaves_what_was_written(tmp_path: Path) -> None:
    """The part that does not fit raises, no half file stays, and the earlier part is read."""
    directory = tmp_path / "l.parquet"
    recorder = ColumnRecorder(directory, RUN, 5, part_rows=100)
    fill(recorder, 100)
    while not list(directory.glob("part-*.parquet")):
        recorder.check()
        os.sched_yield()
    (directory / "part-000000000100.partial").symlink_to("/dev/full")
    fill(recorder, 50)
    with pytest.raises(OSError, match="No space left"):
        recorder.close()
    assert not list(directory.glob("*.partial"))
    assert len(read_ledger(directory).status) == 100


def test_a_directory_without_a_ledger_is_named(tmp_path: Path) -> None:
    """Nothing was recorded there."""
    with pytest.raises(AuditFailed, match="holds no part of a ledger"):
        read_ledger(tmp_path)


def test_a_request_costs_less_than_forty_bytes() -> None:
    """The columns' items add up to what the documentation says."""
    sizes = {"I": 4, "B": 1, "q": 8, "H": 2}
    assert sum(sizes[code] for code in CODES.values()) == 36
    assert np.dtype(np.uint32).itemsize == sizes["I"]

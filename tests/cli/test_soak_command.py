"""`bin/seawall soak`, as a user runs it, on real servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from seawall.result import Outcome, Result, read_result
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

SHORT = [
    "--rate", "60", "--users", "10", "--duration", "6s", "--segment", "2s", "--warmup", "2s", "--clean",
]  # fmt: skip


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the command."""
    return subprocess.Popen(
        ["env", "--default-signal=INT", ROOT / "bin" / "seawall", "soak", *arguments],
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return code, output and errors once it has ended."""
    output, errors = process.communicate(timeout=100)
    return process.returncode, output, errors


def after_first_segment(directory: Path, process: subprocess.Popen[str]) -> Result:
    """Wait until one segment is in the result."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (directory / "result.json").exists():
            return read_result(directory / "result.json")
        time.sleep(0.02)
    raise AssertionError(process.communicate())


def test_rows_stay_and_requests_go_over_the_segments_of_a_soak(stack: Stack, tmp_path: Path) -> None:
    """Three segments on one stack: each audited by itself, all of them in the table, and too short to tell slopes."""
    out = tmp_path / "out"
    code, output, errors = end(start(*SHORT, "--output", str(out)))
    assert code == 3, errors
    assert "segment 3 of 3" in errors
    assert "memory" in output
    assert "would tell" in output
    result = read_result(out / "result.json")
    assert [segment.warm_up for segment in result.segments] == [True, False, False]
    assert all(trial.audit.stored == trial.audit.attempted > 0 for trial in result.trials)
    assert sum(stack.row_counts().values()) == sum(trial.audit.stored for trial in result.trials)
    assert {"load", "api", "sink"} <= {slope.service.partition("-")[0] for slope in result.slopes}
    assert {slope.outcome for slope in result.slopes} <= {Outcome.PASS, Outcome.INCONCLUSIVE, None}
    assert {row.outcome for row in result.targets} <= {Outcome.PASS, Outcome.INCONCLUSIVE}
    assert {row.trials for row in result.targets} == {2}
    assert not any((out / "raw").iterdir())
    readings = pq.read_table(out / "resources")
    assert {"load", "api", "postgres"} <= set(readings.column("service").to_pylist())
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Does it last?" in page
    assert "Memory over time" in page
    assert len((out / "summary.csv").read_text().splitlines()) == 4
    assert "memory of load does not creep up" in (out / "junit.xml").read_text()


@pytest.mark.usefixtures("stack")
@pytest.mark.long
def test_an_interrupted_soak_goes_on_where_it_was(tmp_path: Path) -> None:
    """Ctrl-C keeps what was measured, other options are refused, the next sitting runs what is missing."""
    out = tmp_path / "out"
    process = start(*SHORT, "--keep-raw", "--output", str(out))
    after_first_segment(out, process)
    process.send_signal(signal.SIGINT)
    code, output, errors = end(process)
    assert code == 130, errors
    broken = read_result(out / "result.json")
    assert (broken.outcome, broken.interrupted) == (Outcome.INVALID, True)
    assert len(broken.trials) in (1, 2)
    assert "of 3 segments; --resume runs the others" in output

    before = (out / "result.json").read_bytes()
    code, _, errors = end(start("--resume", str(out), "--rate", "70"))
    assert (code, (out / "result.json").read_bytes()) == (2, before)
    assert "--rate: the soak began with 60 and not 70" in errors

    code, _, errors = end(start("--resume", str(out), "--rate", "60"))
    assert code in (3, 4), errors
    whole = read_result(out / "result.json")
    assert [trial.name for trial in whole.trials] == [f"kafka-segment-000{number}" for number in (1, 2, 3)]
    assert whole.trials[: len(broken.trials)] == broken.trials
    assert [segment.sitting for segment in whole.segments] == [1] * len(broken.trials) + [2] * (3 - len(broken.trials))
    assert sorted(segment.at_s for segment in whole.segments) == [segment.at_s for segment in whole.segments]
    assert all(trial.outcome is Outcome.PASS for trial in whole.trials)
    assert len(list((out / "raw").glob("*.parquet"))) == 3

    code, _, errors = end(start("--resume", str(out)))
    assert code == 2
    assert "all its 3 segments" in errors


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a directory on a file system of its own that holds 12 MB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", place], check=False)
    if mounted.returncode:
        pytest.skip("this container may not mount a small file system")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.usefixtures("stack")
@pytest.mark.long
def test_a_disk_that_runs_full_ends_the_soak_with_its_result(small_disk: Path) -> None:
    """The segment that cannot be written is lost, the ones before are not, and the reason is said."""
    out = small_disk / "out"
    process = start(*SHORT, "--output", str(out))
    after_first_segment(out, process)
    status = os.statvfs(small_disk)
    with (small_disk / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize)
    code, output, errors = end(process)
    assert code == 4, errors
    assert "the disk" in output
    result = read_result(out / "result.json")
    assert result.outcome is Outcome.INVALID
    assert len(result.trials) in (1, 2)
    assert any("disk" in reason and "--resume" in reason for reason in result.reasons)

    (small_disk / "filler").unlink()
    code, _, errors = end(start("--resume", str(out)))
    assert code in (3, 4), errors
    assert len(read_result(out / "result.json").trials) == 3


def test_bad_options_start_nothing(tmp_path: Path) -> None:
    """All mistakes are named, and no directory is made; what is to go on has to be there."""
    code, _, errors = end(start("--path", "sink", "--rate", "0", "--output", str(tmp_path / "out")))
    assert code == 2
    assert "--path" in errors
    assert "--rate" in errors
    assert not (tmp_path / "out").exists()
    code, _, errors = end(start("--resume", str(tmp_path / "none")))
    assert code == 2
    assert "is no directory" in errors

"""Plain Locust runs of our own service: judged, and audited in the stack that is up."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from seawall.cli.recorded import main
from seawall.report.files import write_reports
from seawall.report.stored import stored_result
from seawall.result import AuditCounts, Outcome, Trial, read_result
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

LOCUST = str(Path(sys.executable).with_name("locust"))
LOAD = ["--headless", "-u", "10", "-r", "10", "--user-rate", "20", "-t", "4s", "--record", "kept"]
TARGETS = str(ROOT / "targets.toml")


@pytest.fixture(scope="module")
def kept(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record one run that writes by two paths and looks up, judged at its end."""
    stack.fresh()
    place = tmp_path_factory.mktemp("recorded")
    (place / "both.py").write_text(
        "from locust import task\n"
        "from locustfiles.ingest import Mixed\n"
        "from seawall.load import IngestUser\n"
        "class Direct(IngestUser):\n"
        "    @task\n"
        "    def write(self):\n"
        "        self.write_record('grouped')\n"
    )
    done = subprocess.run(
        [LOCUST, "-f", "both.py", *LOAD], cwd=place, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode in (0, 3, 4), done.stderr
    assert "audit: ran over" in done.stderr
    return place / "kept"


def trial_of(directory: Path) -> Trial:
    """Return the trial of the result there."""
    (trial,) = read_result(directory / "result.json").trials
    return trial


def test_every_record_is_accounted_for_by_whatever_path_it_came(kept: Path) -> None:
    """Both paths are audited together; a record has its visible delay, a lookup has none."""
    trial, result = trial_of(kept), read_result(kept / "result.json")
    assert trial.audited
    assert trial.audit.clean
    assert trial.audit.stored == trial.audit.acknowledged == trial.audit.attempted > 200
    assert set(trial.scopes) == {"write", "cached lookup"}
    assert trial.visible_ms.samples == trial.scopes["write"].requests
    assert {"nothing is lost", "records are visible in time"} <= {row.name for row in result.targets}
    assert result.not_judged == []
    page = (kept / "report.html").read_text()
    assert "Visible delay over time" in page
    assert "POST /v1/grouped/orders" in page


def test_a_lost_record_fails_the_run(stack: Stack, kept: Path, tmp_path: Path) -> None:
    """The same ledger against tables that were emptied: exit code 1, whatever the instrument's health."""
    again = tmp_path / "again"
    shutil.copytree(kept, again)
    stack.fresh()
    assert main([str(again), "--targets", TARGETS]) == 1
    trial = trial_of(again)
    assert trial.outcome is Outcome.FAIL
    assert trial.audit.lost == trial_of(kept).audit.acknowledged
    assert "did not keep its records" in (again / "report.html").read_text()


def test_the_attain_set_is_judged_where_it_is_asked_for(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a stack the audit did not run, and says so in a field of its own."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "none"))
    again = tmp_path / "again"
    shutil.copytree(kept, again)
    assert main([str(again), "--targets", TARGETS, "--attain"]) in (1, 4)  # the generator may have been late
    result = read_result(again / "result.json")
    assert {row.name for row in result.targets if row.set == "attain"} == {"enough users", "enough writes", "available"}
    assert result.audit == "did not run (no database was given)"
    assert result.trials[0].audit == AuditCounts()


def test_the_report_is_made_again_from_the_directory(kept: Path, tmp_path: Path) -> None:
    """What `bin/seawall report` does with it: the same page, and a line of the summary without a made-up audit."""
    result = stored_result(kept)
    write_reports(result, kept, tmp_path)
    assert (tmp_path / "report.html").read_text() == (kept / "report.html").read_text()
    (trial,) = result.trials
    alone = msgspec.structs.replace(trial, audited=False)
    write_reports(msgspec.structs.replace(result, trials=[alone]), kept, tmp_path)
    with (tmp_path / "summary.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert (line["lost"], line["stored"]) == ("", "")
    assert int(line["success"]) == trial.requests + trial.unsent - trial.failed


def test_a_directory_that_is_no_recorded_run_is_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and the file that is missing."""
    assert main([str(tmp_path), "--targets", TARGETS]) == 2
    assert "run.json cannot be read" in capsys.readouterr().out

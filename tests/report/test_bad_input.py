"""`report` and `diff` on what is no result of ours: words, exit code 2, no trace of the code, no half-written file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seawall.stack.places import ROOT

GOOD = ROOT / "results" / "reference" / "20261121-load-4000-per-s"
OTHER = ROOT / "results" / "reference" / "20261121-default"
WITH_COLUMNS = ROOT / "results" / "reference" / "20261121-audited-4000-per-s"
NEWER = '{"schema_version": 99, "experiment": "compare"}'

# From the words of a command to what it has to say; {x} is a directory with a result, or without.
CASES = {
    "report {truncated}": "cut off or no JSON",
    "report {newer}": "schema version 99",
    "report {foreign}": "not a result of Seawall",
    "report {file}": "is no directory",
    "report {empty}": "holds no result.json",
    "report {missing}": "is no directory",
    "report {good} --output {file}/below": "Not a directory",
    "report {good} --output /proc": "/proc",
    "report {good} --output {file}": "exists",
    "report {columns}": "cannot be read",
    "report {default} --picture /proc/answer.svg": "no load was judged",
    "diff {good} {truncated}": "cut off or no JSON",
    "diff {newer} {good}": "schema version 99",
    "diff {foreign} {good}": "not a result of Seawall",
    "diff {good} {file}": "is no directory",
    "diff {empty} {good}": "holds no result.json",
    "diff {default} {good}": "give --anyway",
}


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One directory for each kind of wrong input, and a good one."""
    root = tmp_path_factory.mktemp("inputs")
    content = (GOOD / "result.json").read_text(encoding="utf-8")
    contents = {"truncated": content[:5_000], "newer": NEWER, "foreign": '{"some": "thing"}', "good": content}
    for name, text in contents.items():
        (root / name).mkdir()
        (root / name / "result.json").write_text(text, encoding="utf-8")
    (root / "empty").mkdir()
    (root / "file").write_text(content, encoding="utf-8")
    shutil.copytree(WITH_COLUMNS, root / "columns", ignore=shutil.ignore_patterns("report.html", "*.csv", "*.xml"))
    part = next((root / "columns" / "raw").glob("load-*/part-*.parquet"))
    part.write_bytes(part.read_bytes()[:1_000])
    return {path.name: path for path in root.iterdir()} | {"missing": root / "missing", "default": _data_alone(root)}


def _data_alone(root: Path) -> Path:
    """Return a copy of a result from which the judged load was taken out."""
    path = root / "default"
    path.mkdir()
    text = (OTHER / "result.json").read_text(encoding="utf-8").replace('"kind": "load"', '"kind": "other"')
    (path / "result.json").write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def answers(directories: dict[str, Path]) -> dict[str, subprocess.CompletedProcess[str]]:
    """What each command answered; two run at a time, as most of it is their start."""

    def run(case: str) -> subprocess.CompletedProcess[str]:
        words = [word.format(**directories) for word in case.split()]
        return subprocess.run(
            [sys.executable, "-P", "-m", "seawall.cli", *words],
            capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CASES, pool.map(run, CASES), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_in_words_and_ends_with_two(answers: dict[str, subprocess.CompletedProcess[str]], case: str) -> None:
    """Nothing on standard output, a line or two on the other."""
    answer = answers[case]
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert CASES[case] in " ".join(answer.stderr.split())
    assert answer.stdout == ""
    for trace in ("Traceback", "This is a bug", ".py"):
        assert trace not in answer.stderr


def test_nothing_was_written(
    answers: dict[str, subprocess.CompletedProcess[str]], directories: dict[str, Path]
) -> None:
    """Each directory holds what it held before, and no partial file."""
    assert len(answers) == len(CASES)
    for name in ("truncated", "newer", "foreign", "good", "default"):
        assert [path.name for path in directories[name].iterdir()] == ["result.json"]
    assert sorted(path.name for path in directories["columns"].iterdir()) == ["raw", "result.json"]
    assert list(directories["empty"].iterdir()) == []
    assert directories["file"].is_file()
    assert not directories["missing"].exists()

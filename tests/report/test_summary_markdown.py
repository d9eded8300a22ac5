"""A result in Markdown, for the summary of a build and a comment on a change."""

from __future__ import annotations

import re
import subprocess
import sys

import msgspec
import pytest
from evil_results import evil

from seawall.experiments.differences import differences, is_regression
from seawall.report.answer import answer_of
from seawall.report.markdown import text as plain
from seawall.report.stored import stored_result
from seawall.report.summary_markdown import difference_markdown, summary_markdown
from seawall.result import Quantiles
from seawall.stack.places import ROOT

REFERENCE = ROOT / "results" / "reference"
LOADED = REFERENCE / "20261121-load-4000-per-s"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in REFERENCE.glob("*/result.json")))
def test_every_experiment_has_a_summary(name: str) -> None:
    """Its outcome and answer first, whole tables, and not more than a comment can hold."""
    result = stored_result(REFERENCE / name)
    said = summary_markdown(result)
    assert said.startswith(f"### Seawall {result.experiment}, {result.outcome}: {plain(answer_of(result).word)}\n")
    assert len(said) < 60_000
    head = 0
    for line in said.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert cells in (0, head or cells)
        head = cells


def test_a_comparison_has_a_row_a_path_and_what_it_missed() -> None:
    """The path that fell behind with its verdict, and the target with the reason."""
    said = summary_markdown(stored_result(LOADED))
    assert re.search(r"^\| sync \| FAIL \| [\d,.]+ \|", said, re.MULTILINE)
    assert re.search(r"^\| kafka \| PASS \| [\d,.]+ \|", said, re.MULTILINE)
    assert "| sync | writes answer in time | FAIL |" in said


def test_names_of_users_stay_text() -> None:
    """No tag of theirs is one."""
    said = summary_markdown(evil(stored_result(LOADED)))
    assert "<script" not in said.replace("\\<", "")


def test_differences_name_what_got_worse() -> None:
    """One path takes five times as long: its row says so; without a change none does."""
    base = stored_result(LOADED)
    slow = msgspec.structs.replace(
        base,
        trials=[
            msgspec.structs.replace(
                trial, response_ms=Quantiles(p95=(trial.response_ms.p95 or 0.0) * 5), visible_ms=trial.visible_ms
            )
            for trial in base.trials
            if trial.arm == "kafka"
        ],
    )
    rows = list(differences(base, slow))
    said = difference_markdown(
        rows, list(filter(is_regression, rows)), "results/before", ["machine cores: 2 against 4"]
    )
    assert said.startswith("### Worse than results/before: 1 figure\n\n- differs: machine cores: 2 against 4\n")
    assert "| kafka | load, mixed | response\\_p95\\_ms | WORSE | 5 |" in said
    same = list(differences(base, base))
    assert "nothing got worse" in difference_markdown(same, list(filter(is_regression, same)), "before")


def test_the_commands_print_them() -> None:
    """On standard output, and nothing is written; the exit code of `diff` is the same as without."""
    commands = {
        ("report", str(LOADED), "--markdown"): (0, "### Seawall compare, PASS"),
        ("diff", str(LOADED), str(LOADED), "--markdown"): (0, f"### Against {plain(LOADED)} nothing got worse"),
    }
    for words, (code, begin) in commands.items():
        done = subprocess.run(
            [sys.executable, "-P", "-m", "seawall.cli", *words], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout[: len(begin)]) == (code, begin), done.stderr
    assert not (LOADED / "report.html").exists()

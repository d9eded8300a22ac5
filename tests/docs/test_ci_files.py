"""The ready workflows: read, held against the command line, and run as they stand but for the load itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from varied_runs import write_history
from workflows import CI, Job, load, seawall_lines

from seawall.cli.app import VERBS, verb_command
from seawall.report.stored import stored_result
from seawall.stack.places import ROOT

GITHUB, GITLAB = load("github-actions.yml"), load("gitlab-ci.yml")
MEASURE = GITHUB["jobs"]["measure"]
STEPS = {step.get("name", step.get("uses")): step for step in MEASURE["steps"]}
GITLAB_SCRIPT = GITLAB["seawall"]["script"]
SCRIPTS = [*(step["run"] for step in STEPS.values() if "run" in step), *GITLAB_SCRIPT]
LINES = [line for script in SCRIPTS for line in seawall_lines(script)]
EXECUTED = ("Measure", "Hold against the main branch", "Summary", "Gate")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A stored result, the same a bit later, and one that is twice as slow; with the JUnit file of a run."""
    directory = tmp_path_factory.mktemp("results")
    base, same, slow = write_history(directory, [1.0, 1.0, 2.0], noise=0.0)
    junit = ROOT / "results" / "reference" / "20261128-attain" / "junit.xml"
    for result in (base, same, slow):
        shutil.copy(junit, result)
    return {"base": base, "same": same, "slow": slow}


def job(place: Path, results: dict[str, Path], now: str, *, code: int = 0, base: bool = True) -> Job:
    """Return a job whose measurement is that result, with the base branch's stored one or without."""
    made = Job.make(place, results[now], code, {"PATH_IN_QUESTION": "kafka"})
    if base:
        shutil.copytree(results["base"], place / "history" / "20260907T020000Z")
    return made


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_verbs_and_options_exist(words: list[str]) -> None:
    """Each call of `bin/seawall` names a verb, and options of that verb."""
    verb, *rest = words
    assert verb in VERBS
    known = {name for parameter in verb_command(verb).params for name in parameter.opts}
    assert {word.partition("=")[0] for word in rest if word.startswith("-")} <= known


def test_both_files_call_all_of_it() -> None:
    """Measure, compare, summarize, follow: nothing is left out in one of them."""
    for scripts in (SCRIPTS[: -len(GITLAB_SCRIPT)], GITLAB_SCRIPT):
        called = {words[0] for script in scripts for words in seawall_lines(script)}
        assert called == {"compare", "diff", "report", "history"}


def test_github_grants_the_least() -> None:
    """Nothing by default; the job that runs the change's code reads; the one that comments runs no code of it."""
    assert GITHUB["permissions"] in ("", {})
    assert "pull_request" in GITHUB["on"]
    assert "pull_request_target" not in GITHUB["on"]
    assert MEASURE["permissions"] == {"contents": "read"}
    assert STEPS[MEASURE["steps"][0]["uses"]]["with"]["persist-credentials"] == "false"
    comment = GITHUB["jobs"]["comment"]
    assert comment["permissions"] == {"pull-requests": "write"}
    assert not any("run" in step or "checkout" in step["uses"] for step in comment["steps"])


def test_actions_are_named_by_commit() -> None:
    """A tag can be moved; the release stands beside it for people."""
    text = (CI / "github-actions.yml").read_text(encoding="utf-8")
    for line in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_no_step_pastes_an_expression_into_a_script() -> None:
    """What comes from outside reaches a script as a variable, so that it cannot be a command."""
    for job_of in GITHUB["jobs"].values():
        for step in job_of["steps"]:
            assert "${{" not in step.get("run", "")
            assert "${{" not in step.get("with", {}).get("script", "")


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_comment_s_script_is_javascript(tmp_path: Path) -> None:
    """As the action runs it, in a function that waits."""
    script = next(step for step in GITHUB["jobs"]["comment"]["steps"] if "script" in step.get("with", {}))
    path = tmp_path / "comment.js"
    path.write_text(f"async function run(github, context, require) {{\n{script['with']['script']}\n}}\n")
    done = subprocess.run(["node", "--check", str(path)], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("now", "code", "ends_with", "says"),
    [
        pytest.param("same", 0, 0, "nothing got worse", id="all is well", marks=pytest.mark.long),
        pytest.param("slow", 0, 1, "It got worse than on the main branch", id="a regression"),
        pytest.param(
            "same", 3, 3, "do not hold: exit code 3", id="targets that cannot be told", marks=pytest.mark.long
        ),
    ],
)
def test_github_s_steps_run_as_they_stand(
    results: dict[str, Path], tmp_path: Path, now: str, code: int, ends_with: int, says: str
) -> None:
    """On a pull request: the summary has the verdict and the differences, and the gate's code is the job's."""
    made = job(tmp_path, results, now, code=code)
    *before, gate = (made.step(STEPS[name]) for name in EXECUTED)
    assert [done.returncode for done in before] == [0, 0, 0], [done.stderr for done in before]
    assert gate.returncode == ends_with
    summary = (tmp_path / "step-summary.md").read_text(encoding="utf-8")
    assert summary.startswith("### Seawall compare, ")
    assert "| kafka |" in summary
    assert says in summary + gate.stdout


def test_github_s_first_run_on_the_main_branch_begins_a_history(results: dict[str, Path], tmp_path: Path) -> None:
    """Nothing is stored yet, which is no failure; the result is kept, and too few runs are no failure either."""
    made = job(tmp_path, results, "same", base=False)
    names = ("Measure", "Hold against the main branch", "Summary", "Trend", "Gate")
    done = [made.step(STEPS[name]) for name in names]
    assert [one.returncode for one in done] == [0] * 5, [one.stderr for one in done]
    (kept,) = (tmp_path / "history").glob("*/result.json")
    assert stored_result(kept.parent) == stored_result(results["same"])
    summary = (tmp_path / "step-summary.md").read_text(encoding="utf-8")
    assert "no stored result yet" in summary
    assert "**Too few runs to tell.**" in summary
    assert (tmp_path / "trend.html").exists()


@pytest.mark.long
def test_what_does_not_compare_is_a_warning(results: dict[str, Path], tmp_path: Path) -> None:
    """A stored result of another machine says nothing; the reason stands in the summary, and only targets gate."""
    made = job(tmp_path, results, "slow")
    stored = tmp_path / "history" / "20260907T020000Z" / "result.json"
    content: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8"))
    content["environment"]["cores"] = 64
    stored.write_text(json.dumps(content), encoding="utf-8")
    done = [made.step(STEPS[name]) for name in EXECUTED]
    assert [one.returncode for one in done] == [0] * 4
    assert "::warning title=Seawall::" in done[1].stdout
    assert "machine cores: 64 against 2" in (tmp_path / "step-summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("now", "branch", "ends_with"),
    [
        pytest.param("slow", {}, 1, id="a merge request that is slower"),
        pytest.param("same", {"CI_COMMIT_BRANCH": "main"}, 0, id="the default branch", marks=pytest.mark.long),
    ],
)
def test_gitlab_s_script_runs_as_it_stands(
    results: dict[str, Path], tmp_path: Path, now: str, branch: dict[str, str], ends_with: int
) -> None:
    """In one shell, part by part; what the artifacts name is there."""
    made = job(tmp_path, results, now)
    done = made.run("\n".join(GITLAB_SCRIPT), {"CI_DEFAULT_BRANCH": "main", **branch})
    assert done.returncode == ends_with, done.stderr
    artifacts = GITLAB["seawall"]["artifacts"]
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("### Seawall compare, ")
    assert (tmp_path / artifacts["reports"]["junit"]).exists()
    assert (tmp_path / "trend.md").exists() == bool(branch)
    assert len(list((tmp_path / "history").glob("*/result.json"))) == 1 + bool(branch)


def test_gitlab_s_note_sees_no_code_of_the_change() -> None:
    """Its job checks nothing out, and only a merge request with a token has one."""
    note = GITLAB["seawall-note"]
    assert note["variables"]["GIT_STRATEGY"] == "none"
    assert "$SEAWALL_NOTE_TOKEN" in note["rules"][0]["if"]
    assert "SEAWALL_NOTE_TOKEN" not in "".join(GITLAB_SCRIPT)
    assert set(GITLAB["stages"]) == {GITLAB[name]["stage"] for name in ("seawall", "seawall-note")}

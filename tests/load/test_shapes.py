"""Loads that change follow one schedule in any number of processes, and are judged stage by stage."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from shape_runs import ShapeRun

from seawall.audit.ledger import read_ledger
from seawall.experiments.recorded import judged_so_far
from seawall.experiments.recorded_trial import Recorded, Standard
from seawall.load.pace import Arrival
from seawall.load.profile import Curve, Profile, Stage
from seawall.load.profiled import times_of
from seawall.load.shape_options import ShapeOptions, check_clashes, check_no_shape, check_shape_run
from seawall.result import Outcome
from seawall.stack.places import ROOT
from seawall.targets.parse import parse_targets

CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3, Outcome.INVALID: 4}
STANDARD = Standard(parse_targets((ROOT / "targets.toml").read_text(encoding="utf-8"), "targets.toml"))
Start = Callable[..., ShapeRun]
LOAD = ("--path", "grouped", "--shape-users", "10")


def steps(peak_per_s: float, stage_s: float) -> Profile:
    """Return the profile of `Steps`, told once more."""
    rates = [peak_per_s * part / 4 for part in (1, 2, 3, 4)]
    return Profile(
        name="Steps",
        stages=tuple(
            Stage(name=f"step {part}", duration_s=stage_s, from_per_s=rate, to_per_s=rate)
            for part, rate in enumerate(rates, start=1)
        ),
    )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Yield what starts Locust in a directory of its own, and leave none of it running."""
    runs = []

    def begin(*arguments: str, place: str = "run", **rest: str) -> ShapeRun:
        runs.append(ShapeRun(tmp_path / place, *arguments, **rest))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()


@pytest.mark.parametrize(
    ("how", "arrival"),
    [
        ("processes", "uniform"),
        pytest.param("alone", "uniform", marks=pytest.mark.long),
        pytest.param("workers", "uniform", marks=pytest.mark.long),
        pytest.param("alone", "poisson", marks=pytest.mark.long),
        pytest.param("processes", "poisson", marks=pytest.mark.long),
        pytest.param("workers", "poisson", marks=pytest.mark.long),
    ],
)
@pytest.mark.usefixtures("stack")
def test_the_schedule_is_the_same_in_any_number_of_processes(start: Start, how: str, arrival: Arrival) -> None:
    """Alone, with two processes, and as a master with two workers: the very moments that profile and seed ask for."""
    load = ("--peak-rate", "20", "--stage-time", "1s", "--arrival", arrival, "--seed", "7")
    run = start(*LOAD, *load, "--no-verdict", shape="steps", how=how)
    assert run.end() == 0, run.said()
    curve = Curve(steps(20, 1))
    asked = sorted(at_ns for place in range(10) for at_ns in times_of(curve, arrival, seed=7, place=place, places=10))
    assert run.moments() == asked, run.said()
    counts = [sum(number <= at_ns / 1e9 < number + 1 for at_ns in asked) for number in range(4)]
    if arrival == "uniform":
        assert counts == [5, 10, 15, 20]
    stages = judged_so_far(Recorded.read(run.directory / "out_requests"), STANDARD).stages
    assert [(one.planned, one.sent, one.unsent) for one in stages] == [(n, n, 0) for n in counts]
    assert all(stage.judged and stage.outcome for stage in stages)
    record = run.record()
    assert (record["planned"], record["unsent"]) == (len(asked), 0)
    assert record["first_places"] == ({"0": 0} if how == "alone" else {"0": 0, "1": 5})


@pytest.fixture
def slow_service() -> Iterator[str]:
    """Yield the address of a service that takes 200 ms for each answer."""
    words = [sys.executable, "-m", "controls.latency_server", "--median-ms", "200"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stdout is not None
    yield server.stdout.readline().split()[-1]
    server.terminate()
    server.wait(10)


@pytest.mark.long
def test_a_rate_that_nobody_can_carry_is_not_judged_good(slow_service: str, start: Start) -> None:
    """Two users who get ten answers a second cannot send forty: how many requests are missing is counted exactly."""
    run = start(
        "--host", slow_service, "--shape-users", "2", "--peak-rate", "40", "--stage-time", "1s",
        shape="breakpoint",
    )  # fmt: skip
    code = run.end()
    result, record = run.result(), run.record()
    stages = result.stages
    assert [stage.planned for stage in stages] == [4 * step for step in range(1, 11)]
    assert all(stage.planned == (stage.sent or 0) + (stage.unsent or 0) for stage in stages)
    assert sum(stage.unsent or 0 for stage in stages) == record["unsent"] > 50
    assert sum(stage.sent or 0 for stage in stages) == len(run.moments()) == record["requests"]
    assert (stages[-1].unsent or 0) > 0
    # On a machine whose generator is late as well, it is not the service's failure alone.
    assert stages[-1].outcome in (Outcome.FAIL, Outcome.INVALID), run.said()
    assert code == CODES[result.outcome] in (1, 4)
    assert not any("no request was" in row.reason for stage in stages for row in stage.targets)
    assert "; the first that did not was " in run.said()
    page = (run.directory / "out_report.html").read_text()
    assert "step 10" in page


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (signal.SIGTERM, "alone"),
        (signal.SIGINT, "alone"),
        (signal.SIGTERM, "workers"),
        (signal.SIGINT, "processes"),
    ],
)
@pytest.mark.long
@pytest.mark.usefixtures("stack")
def test_a_run_that_is_ended_is_judged_by_the_stages_that_ended(start: Start, number: signal.Signals, how: str) -> None:
    """What came to its end has a verdict; the others are named, and leave the whole open."""
    run = start(*LOAD, "--peak-rate", "80", "--stage-time", "3s", shape="steps", how=how)
    run.wait_for(lambda: run.sent() > 80)
    code = run.end(number)
    result = run.result()
    assert code == CODES[result.outcome] != 0, run.said()
    assert result.stages[0].outcome is not None
    assert (result.stages[0].planned, result.stages[0].unsent) == (60, 0)
    last = result.stages[-1]
    assert (last.outcome, last.planned) == (None, 240)
    assert any("was ended after" in reason and "step 4" in reason for reason in result.reasons)
    assert "not run to its end" in run.said()
    assert "Traceback" not in run.said()


@pytest.mark.long
@pytest.mark.usefixtures("stack")
def test_a_worker_that_dies_takes_its_moments_along_and_one_that_comes_gets_none(start: Start) -> None:
    """What the dead one would have sent is not sent by others, and counted; such a run tells nothing."""
    run = start(*LOAD, "--peak-rate", "40", "--stage-time", "8s", shape="steps", how="workers")
    run.wait_for(lambda: run.sent() > 80)
    os.killpg(run.workers[1].pid, signal.SIGKILL)
    run.add_worker()
    code, result = run.end(), run.result()
    assert (code, result.outcome) == (4, Outcome.INVALID), run.said()
    assert result.trials[0].audit.clean  # what a dead worker had not told of yet is no phantom
    assert "joined a run that goes on: it makes no load" in run.said()
    ledger = read_ledger(run.directory / "out_requests")
    assert {user >> 16 for user in ledger.user.tolist()} == {0, 1}
    assert [share["complete"] for share in run.record()["processes"]].count(False) == 1
    assert [stage.planned for stage in result.stages] == [80, 160, 240, 320]
    assert {stage.outcome for stage in result.stages} == {Outcome.INVALID}
    last = result.stages[-1]
    assert (last.sent or 0) + (last.unsent or 0) == 320
    assert (last.unsent or 0) >= 160
    assert run.record()["places"] == 10


@pytest.mark.long
@pytest.mark.usefixtures("stack")
def test_a_run_whose_workers_are_all_gone_is_judged(start: Start) -> None:
    """Locust stops and quits at once then; what was handed in is judged all the same."""
    run = start(*LOAD, "--peak-rate", "80", "--stage-time", "4s", shape="steps", how="workers")
    run.wait_for(lambda: run.sent() > 80)
    for worker in run.workers:
        os.killpg(worker.pid, signal.SIGKILL)
    code, result = run.end(), run.result()
    assert (code, result.outcome) == (4, Outcome.INVALID), run.said()
    assert result.trials[0].audit.clean  # what a dead worker had not told of yet is no phantom
    assert (result.stages[0].outcome, result.stages[-1].outcome) == (Outcome.INVALID, None)
    assert [share["complete"] for share in run.record()["processes"]] == [False, False]


@pytest.mark.parametrize(
    ("shape", "arguments", "words"),
    [
        ("spike", ["-u", "5"], "-u has no meaning with a shape: --shape-users is the number of users"),
        pytest.param("spike steps", [], "Spike, Steps are 2 shapes, and a run has one", marks=pytest.mark.long),
        pytest.param("ramp", ["--peak-rate", "much"], "--peak-rate must be a number above 0", marks=pytest.mark.long),
    ],
)
@pytest.mark.usefixtures("stack")
def test_what_cannot_be_meant_is_refused_before_anything_runs(
    start: Start, shape: str, arguments: list[str], words: str
) -> None:
    """Exit code 2, the reason, and nothing left behind."""
    run = start(*arguments, shape=shape)
    assert run.end() == 2
    assert words in run.said()
    assert "Shape test starting" not in run.said()
    # Locust makes its own CSV files before anybody is asked.
    assert {path.suffix for path in run.directory.iterdir()} <= {".txt", ".csv"}


def test_the_pictures_of_the_page_are_those_of_the_shapes(tmp_path: Path) -> None:
    """`docs/shapes.md` shows what the shapes are now."""
    subprocess.run([sys.executable, "-P", ROOT / "bin" / "shape_pictures.py", tmp_path], check=True)
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    shown = ROOT / "docs" / "pictures" / "shapes"
    assert drawn == {path.name: path.read_text(encoding="utf-8") for path in shown.iterdir()}
    assert set(drawn) == {f"{path.stem}.svg" for path in (ROOT / "locustfiles" / "shapes").glob("[a-z]*.py")}


def options(**given: Any) -> Any:
    """Return options as Locust parses them."""
    default = {
        "peak_rate": "", "stage_time": "", "shape_users": "", "user_rate": 1.0, "arrival": "uniform", "judge_from": "",
        "num_users": None, "spawn_rate": None, "run_time": None, "enable_rebalancing": False,
    }  # fmt: skip
    return SimpleNamespace(**{**default, **given})


def check_steps(entered: Any) -> None:
    """Check what was entered for a run of `Steps`."""
    asked = ShapeOptions.of(entered)
    check_shape_run(entered, steps(asked.peak_per_s or 1000, asked.stage_s))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"peak_rate": "0"}, "--peak-rate must be"),
        ({"peak_rate": "nan"}, "--peak-rate must be"),
        ({"peak_rate": "1e9"}, "--peak-rate must be"),
        ({"stage_time": "soon"}, "--stage-time takes a time"),
        ({"stage_time": "0.1s"}, "--stage-time takes a time"),
        ({"stage_time": "48h"}, "--stage-time takes a time"),
        ({"shape_users": "2.5"}, "--shape-users must be a whole number"),
        ({"shape_users": "0"}, "--shape-users must be a whole number"),
        ({"peak_rate": "0.5", "stage_time": "1s"}, "would hold no request"),
        ({"peak_rate": "1000000", "stage_time": "24h"}, "are the most"),
        ({"peak_rate": "20", "stage_time": "1s", "shape_users": "51"}, "fewer than users"),
        ({"user_rate": 5.0}, "--user-rate has no meaning with Steps"),
        ({"arrival": "closed"}, "--arrival closed has no meaning with Steps"),
        ({"judge_from": "5s"}, "--judge-from has no meaning with Steps"),
    ],
)
def test_nonsense_is_named(given: dict[str, Any], words: str) -> None:
    """Every option that a shape cannot be run with says so."""
    with pytest.raises(ValueError, match=words):
        check_steps(options(**given))


@pytest.mark.parametrize("name", ["num_users", "spawn_rate", "run_time", "enable_rebalancing"])
def test_options_that_locust_leaves_aside_are_refused(name: str) -> None:
    """Each of them has another word with a shape, which is said."""
    check_clashes(options(), ["Spike"], chosen_in_page=False)
    check_clashes(options(), ["Spike", "Steps"], chosen_in_page=True)
    with pytest.raises(ValueError, match="has no meaning with a shape"):
        check_clashes(options(**{name: 5}), ["Spike"], chosen_in_page=True)


@pytest.mark.parametrize("name", ["peak_rate", "stage_time", "shape_users"])
def test_options_of_shapes_need_one(name: str) -> None:
    """Without a shape they would change nothing."""
    check_no_shape(options())
    with pytest.raises(ValueError, match="is for a load that changes"):
        check_no_shape(options(**{name: "5"}))

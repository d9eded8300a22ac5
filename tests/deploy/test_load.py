"""Locust's master and workers, by the commands of the manifests: the exit code of the master is the verdict."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from compose import service
from containers import Container, Images, made_in
from manifests import LOAD, built, one
from service_processes import free_port

from seawall.stack.stack import Stack

pytestmark = pytest.mark.long
CODES = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3, "INVALID": 4}
STRICT = """\
[[always]]
name = "no write is that quick"
metric = "response_p95_ms"
scope = "write"
limit = "< 0.1 ms"
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Return the images."""
    return made_in(tmp_path_factory.mktemp("images"))


@pytest.fixture(autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


def words_of(job: str) -> list[str]:
    """Return the arguments of a job's container, which its image's entry point takes."""
    found: list[str] = one(built(LOAD), "Job", job)["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


def changed(words: list[str], **values: str) -> list[str]:
    """Return *words* with other values of their options; raises where one is not among them."""
    found = list(words)
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}="
        (place,) = [number for number, word in enumerate(found) if word.startswith(option)]
        found[place] = f"{option}{value}"
    return found


def test_compose_and_kubernetes_run_the_same() -> None:
    """The same options, with other sizes."""
    ours, theirs = (
        {word.partition("=")[0] for word in words}
        for words in (words_of("locust-master"), service("locust-master")["command"])
    )
    assert ours == theirs
    assert words_of("locust-worker") == service("locust-worker")["command"]


@contextlib.contextmanager
def run_of(stack: Stack, images: Images, results: Path, *more: str) -> Iterator[Container]:
    """Run a master and the workers that it expects, for a few seconds."""
    port = str(free_port())
    environment = {"SEAWALL_API_KEY": stack.state.api_key}
    shorter = changed(
        words_of("locust-master"),
        host=stack.state.api_url,
        expect_workers="2",
        users="20",
        spawn_rate="20",
        run_time="20s",
    )
    worker = [*changed(words_of("locust-worker"), master_host="127.0.0.1"), f"--master-port={port}"]
    results.chmod(0o777)
    with contextlib.ExitStack() as started:
        master = started.enter_context(
            images.running(
                "load",
                environment,
                ["locust", *shorter, f"--master-bind-port={port}", *more],
                temporary=["/tmp"],  # noqa: S108 - inside the image
                mounts={"/results": results},
            )
        )
        for _ in range(2):
            started.enter_context(images.running("load", environment, ["locust", *worker]))
        yield master


def outcome_of(results: Path) -> str:
    """Return the verdict that a run's result holds."""
    return str(msgspec.json.decode((results / "run_result.json").read_bytes())["outcome"])


def test_the_masters_exit_code_is_the_verdict(stack: Stack, images: Images, tmp_path: Path) -> None:
    """As its result has it, which lies where the volume is, with a report and every request."""
    with run_of(stack, images, tmp_path) as master:
        code = master.process.wait(600)
    assert (tmp_path / "run_result.json").exists(), master.log.read_text(encoding="utf-8")
    assert CODES[outcome_of(tmp_path)] == code
    assert (tmp_path / "run_report.html").exists()
    with (tmp_path / "run_stats.csv").open(encoding="utf-8") as file:
        total = {line["Name"]: line for line in csv.DictReader(file)}["Aggregated"]
    assert int(total["Request Count"]) > 0


def test_a_missed_target_fails_the_job(stack: Stack, images: Images, tmp_path: Path) -> None:
    """So nothing that waits for its completion goes on; INVALID where the machine was too slow to tell."""
    targets = tmp_path / "strict.toml"
    targets.write_text(STRICT, encoding="utf-8")
    with run_of(stack, images, tmp_path, "--targets=/results/strict.toml") as master:
        code = master.process.wait(600)
    assert (tmp_path / "run_result.json").exists(), master.log.read_text(encoding="utf-8")
    assert CODES[outcome_of(tmp_path)] == code
    assert code in (CODES["FAIL"], CODES["INVALID"])

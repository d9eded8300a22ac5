"""The command line as a user meets it: processes, exit codes, messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.cli.app import VERBS, main
from seawall.stack.stack import Stack


def seawall(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one verb to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def test_help_names_every_verb() -> None:
    """Whoever asks sees all verbs, the exit codes and an example."""
    done = seawall("--help")
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in VERBS)
    assert "bin/seawall compare --quick" in done.stdout


def test_no_verb_shows_the_help() -> None:
    """The bare command is a question, not a mistake."""
    done = seawall()
    assert done.returncode == 0
    assert "Usage" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each help ends with examples that begin with the command, line by line."""
    monkeypatch.setenv("COLUMNS", "200")
    assert main([verb, "--help"]) == 0
    assert f"\n  bin/seawall {verb}" in capsys.readouterr().out.partition("Examples")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["dance"], "No such command", id="a verb that is none"),
        pytest.param(["up", "--broker"], "No such option", id="an option that is none"),
        pytest.param(["up", "--brokers", "many"], "--brokers", id="a value of another type"),
        pytest.param(["up", "--brokers", "2", "--partitions", "0"], "partitions is 0", id="values out of range"),
        pytest.param(["up", "--api-port", "80000"], "1 to 65535", id="a port that is none"),
    ],
)
def test_wrong_usage_is_a_line_or_two(arguments: list[str], said: str, tmp_path: Path) -> None:
    """The message says what is wrong, without a traceback, and the exit code is 2."""
    done = seawall(*arguments, SEAWALL_HOME=str(tmp_path / "own"))
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param({"SEAWALL_DATABASE_URL": "oracle://a@b/c"}, "should look like postgresql://", id="wrong scheme"),
        pytest.param({"DATABASE_URL": "postgresql://a:b@127.0.0.1:9/c"}, "nothing answers there", id="no database"),
        pytest.param({"SEAWALL_CACHE_URL": "redis://127.0.0.1:9"}, "SEAWALL_CACHE_URL", id="no cache"),
        pytest.param({"SEAWALL_API_URL": "http://127.0.0.1:9"}, "does not answer", id="no service"),
        pytest.param({"SEAWALL_JAVA": "/nowhere/java"}, "does not run", id="no Java"),
        pytest.param({"SEAWALL_KAFKA_HEAP": "big"}, "512m", id="a heap that is none"),
    ],
)
def test_bad_weather_is_a_line_or_two(environment: dict[str, str], said: str, tmp_path: Path) -> None:
    """What is in the way is named with what to do, exit code 2, and nothing stays behind."""
    done = seawall("up", **environment, SEAWALL_HOME=str(tmp_path / "own"))
    assert done.returncode == 2
    message = done.stderr[done.stderr.index("seawall: ") :]
    assert said in message
    assert len(message.splitlines()) <= 2
    assert seawall("status", SEAWALL_HOME=str(tmp_path / "own")).returncode == 1
    assert list((tmp_path / "own" / "data").iterdir()) == []


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file where the directory should be is said with the setting that chooses another."""
    (tmp_path / "file").touch()
    done = seawall("up", SEAWALL_HOME=str(tmp_path / "file" / "home"))
    assert done.returncode == 2
    assert "SEAWALL_HOME" in done.stderr


def test_without_a_stack_down_is_content_and_status_is_not(tmp_path: Path) -> None:
    """`down` has reached its aim with exit code 0, `status` answers "no" with 1."""
    own = str(tmp_path / "own")
    assert (seawall("down", SEAWALL_HOME=own).returncode, seawall("status", SEAWALL_HOME=own).returncode) == (0, 1)


def test_status_shows_every_service(stack: Stack) -> None:
    """The table has a line a service, and the JSON is the state itself."""
    done = seawall("status")
    assert done.returncode == 0
    assert all(name in done.stdout for name in stack.state.services)
    assert json.loads(seawall("status", "--json").stdout)["run"] == stack.state.run


def test_up_says_that_a_stack_runs_already(stack: Stack) -> None:
    """The same stack again is no error; another one is."""
    same, other = seawall("up"), seawall("up", "--sinks", "2")
    assert (same.returncode, other.returncode) == (0, 2)
    assert stack.state.api_url in same.stdout
    assert "sinks 1 instead of 2" in other.stderr


def test_doctor_tests_given_servers_by_real_requests(stack: Stack) -> None:
    """Good servers are fine; a wrong password is named, and the exit code is 2."""
    good = seawall("doctor", **stack.state.environment)
    assert good.returncode == 0
    assert good.stdout.count("external") == 3
    bad = {**stack.state.environment, "SEAWALL_CACHE_URL": "redis://:wrong@" + stack.state.services["valkey"].address}
    done = seawall("doctor", **bad)
    assert done.returncode == 2
    assert "user or password are wrong" in done.stdout


def test_external_servers_take_the_place_of_ours(stack: Stack, tmp_path: Path) -> None:
    """A second stack on the servers of the first starts an API of its own and nothing else."""
    own = {**stack.state.environment, "SEAWALL_HOME": str(tmp_path / "own")}
    assert seawall("up", "--no-kafka", **own).returncode == 0
    services = json.loads(seawall("status", "--json", **own).stdout)["services"]
    assert seawall("down", **own).returncode == 0
    assert {name: service["external"] for name, service in services.items()} == {
        "postgres": True,
        "valkey": True,
        "api": False,
    }

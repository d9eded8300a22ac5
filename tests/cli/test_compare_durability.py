"""`bin/seawall compare --durability` and `--arms`, as a user runs them, on real servers."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from seawall.cli.app import main
from seawall.experiments import segments
from seawall.stack.places import ROOT
from seawall.stack.server_settings import ServerSettings
from seawall.stack.stack import Stack

TINY = ["--parts", "data", "--entities", "users", "--counts", "20", "--blocks", "1"]
PROMISES = {
    "sync": "fsync",
    "sync-later": "fsync later",
    "kafka": "1 broker, page cache",
    "kafka-flushed": "1 broker, flushed",
    "sync-3": "fsync",
    "kafka-3": "3 replicas, min ISR 2, page cache",
}


def compare(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with a home of its own."""
    return subprocess.run(
        [ROOT / "bin" / "seawall", "compare", *arguments],
        env={**os.environ, "SEAWALL_HOME": str(home), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.long
def test_durability_runs_each_arm_as_it_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two stacks in turn, six arms there and back; class and settings are the servers' own, and nothing is left."""
    monkeypatch.setattr(segments, "WARM_UP_RECORDS", (100, 100))  # in this process, since no figure is looked at
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    home, out = tmp_path / "home", tmp_path / "out"
    code = main(["compare", *TINY, "--durability", "--paths", "sync,kafka", "--output", str(out)])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    result: dict[str, Any] = json.loads((out / "result.json").read_text())

    one = ["sync", "sync-later", "kafka", "kafka-flushed"]
    assert [trial["arm"] for trial in result["trials"]] == one + one[::-1] + ["sync-3", "kafka-3", "kafka-3", "sync-3"]
    assert all(trial["audit"]["stored"] == 20 for trial in result["trials"])
    assert {arm["name"]: arm["durability"] for arm in result["arms"]} == PROMISES
    settings = {arm["name"]: arm["settings"] for arm in result["arms"]}
    commit = {name: found["postgres"]["synchronous_commit"] for name, found in settings.items()}
    assert {name for name, value in commit.items() if value == "off"} == {"sync-later"}
    topic = {name: settings[name]["kafka"]["topics"]["seawall.users"] for name in PROMISES if "kafka" in name}
    assert {name for name, found in topic.items() if found["flush.messages"] == "1"} == {"kafka-flushed"}
    assert {name: found["replication_factor"] for name, found in topic.items()} == {
        "kafka": 1,
        "kafka-flushed": 1,
        "kafka-3": 3,
    }
    unequal = {(row["base"], row["arm"]): row["unequal"] for row in result["comparisons"]}
    assert unequal["sync", "kafka"] == "1 broker, page cache against fsync"
    assert unequal["sync", "kafka-flushed"] == unequal["sync", "sync-3"] == ""
    assert ("sync", "kafka-3") not in unequal  # on the other stack sync-3 stands for it
    assert "Not a ranking where durability differs" in printed.out
    assert "trials an arm (--blocks" in printed.out

    with (out / "summary.csv").open() as file:
        assert {line["arm"]: line["durability"] for line in csv.DictReader(file)} == PROMISES
    assert {path.name for path in (out / "logs").iterdir()} == {"block-0-1-brokers", "block-0-3-brokers"}
    assert (out / "logs" / "block-0-3-brokers" / "kafka-3.log").exists()
    assert not (home / "stack.json").exists()
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


@pytest.mark.long
def test_a_promise_that_a_server_does_not_keep_ends_the_comparison(stack: Stack, tmp_path: Path) -> None:
    """A database of one's own that answers before it flushes is no `sync`: both are named, and nothing is written."""
    stack.fresh()
    with stack.adjustments() as adjustments:
        adjustments.apply(ServerSettings(postgres={"synchronous_commit": "off"}))
        done = compare(*TINY, "--arms", "sync", "--output", str(tmp_path / "out"), home=tmp_path / "home",
                       SEAWALL_DATABASE_URL=stack.connections.psycopg_url)  # fmt: skip
    assert done.returncode == 2
    assert "sync promises 'fsync', and the servers report 'fsync later'" in done.stderr
    assert not (tmp_path / "out" / "result.json").exists()
    assert not (tmp_path / "home" / "stack.json").exists()


def test_a_stack_that_is_up_is_left_alone(stack: Stack, home: Path) -> None:
    """The message says how to stop it, and what can be compared on it."""
    done = compare("--durability", home=home)
    assert done.returncode == 2
    assert "a stack is up, and these arms need stacks of their own" in done.stderr
    assert "bin/seawall down" in done.stderr
    assert Stack.attach() is not None


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["--arms", "sync,kafka-9"], {}, "--arms: unknown 'kafka-9', known are sync, sync-later"),
        (["--arms", "sync", "--paths", "sync"], {}, "leave --paths and --durability out"),
        (["--durability", "--brokers", "3"], {}, "each arm has the brokers that it needs"),
        (["--durability", "--gate", "kafka-9"], {}, "--gate: unknown 'kafka-9'"),
        (
            ["--arms", "sync-later"],
            {"DATABASE_URL": "postgresql://me@127.0.0.1:9/x"},
            "SEAWALL_DATABASE_URL is not ours",
        ),
        (["--arms", "kafka"], {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}, "KAFKA_BOOTSTRAP_SERVERS names another"),
        (["--blocks", "0"], {}, "--blocks: 0 is not between 1 and 100"),
        (["--arrival", "bursts"], {}, "--arrival: unknown 'bursts', known are uniform, poisson"),
        (["--key-skew", "-1"], {}, "--key-skew: -1 is not between 0 (even) and 5"),
        (["--compressibility", "2", "--users", "0"], {}, "--compressibility: 2 is not between 0 and 1"),
        (["--record-bytes", "100000"], {}, "--record-bytes: records of products can be"),
    ],
)
def test_wrong_usage_is_refused_before_anything_runs(
    arguments: list[str],
    settings: dict[str, str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each mistake is named, and nothing is started."""
    for name, value in {"SEAWALL_HOME": str(tmp_path / "home"), **settings}.items():
        monkeypatch.setenv(name, value)
    assert main(["compare", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert not (tmp_path / "home").exists()

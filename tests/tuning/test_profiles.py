"""The profiles of the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seawall.cli.app import main
from seawall.cli.kafka_settings_file import PROFILES, kafka_settings, profile_names
from seawall.experiments.errors import BadOptions
from seawall.report.stored import stored_result
from seawall.stack.places import ROOT
from seawall.tuning.kafka_settings import read_settings
from seawall.tuning.rules import mistakes_of

NAMES = ["balanced", "durability", "latency", "throughput"]


def test_there_is_one_for_each_goal() -> None:
    """By these names."""
    assert profile_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("brokers", [1, 3])
def test_kafka_takes_it(name: str, brokers: int) -> None:
    """On one broker and on three, and it says what it is for."""
    found = read_settings(PROFILES / f"{name}.toml")
    assert mistakes_of(found, brokers=brokers) == []
    assert kafka_settings(None, brokers, name) == found
    assert found.about


@pytest.mark.parametrize("name", NAMES)
def test_its_values_come_from_results_that_are_there(name: str) -> None:
    """The file names the result, and the command of that experiment which makes one like it."""
    text = (PROFILES / f"{name}.toml").read_text(encoding="utf-8")
    (directory,) = re.findall(r"results/reference/\S+?(?=[ ,;:/)\n])", text)[:1]
    assert f"#   bin/seawall {stored_result(ROOT / directory).experiment} --" in text


def test_an_unknown_one_or_one_beside_a_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the names that there are."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    for words in (["up"], ["compare", "--quick"], ["attain", "--path", "kafka"]):
        assert main([*words, "--profile", "fast"]) == 2
        assert "known are balanced, durability, latency, throughput" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "home").exists()
    with pytest.raises(BadOptions, match="leave --settings out"):
        kafka_settings(tmp_path / "mine.toml", 1, "latency")

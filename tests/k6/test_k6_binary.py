"""Which k6 is used, and what is said where none can be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seawall.stack import k6_binary
from seawall.stack.errors import NoK6
from seawall.stack.k6_binary import VERSION, build_k6, built_path, find_k6, is_being_built


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave nothing but a shell on the PATH, with a cache of its own; return a directory on the PATH."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(k6_binary, "_GO", tmp_path / "no-go")
    return place


def program(path: Path, script: str) -> None:
    """Put a shell script where a program is looked for."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_k6_that_is_too_old_is_refused_with_both_versions(bare: Path) -> None:
    """Its own words on its version decide."""
    program(bare / "k6", "echo 'k6 v0.49.0 (2024-01-29T11:20:16+0000/v0.49.0-0-g4c9b9a8, go1.21.6, linux/amd64)'")
    with pytest.raises(NoK6, match=r"is k6 0\.49\.0, and at least 1\.0 is needed"):
        find_k6()


@pytest.mark.parametrize("script", ["echo 'the sixth K'", "exit 3", "echo 'k6 vNext'"])
def test_a_program_that_is_no_k6_is_refused(bare: Path, script: str) -> None:
    """It is named, and not used."""
    program(bare / "k6", script)
    with pytest.raises(NoK6, match="is no k6 that runs"):
        find_k6()


def test_the_k6_of_the_path_wins(bare: Path) -> None:
    """A later one than ours is taken as it is."""
    program(bare / "k6", "echo 'k6 v1.10.2 (go1.26.0, linux/amd64)'")
    found = find_k6()
    assert found is not None
    assert (found.program, found.version) == (bare / "k6", "v1.10.2")


def test_without_k6_and_go_one_line_says_what_to_install() -> None:
    """The command ends with code 2, before anything is started."""
    assert find_k6() is None
    with pytest.raises(NoK6, match="neither k6 nor Go"):
        build_k6()
    assert not built_path().exists()


def test_a_build_that_fails_says_what_go_said_and_leaves_nothing(bare: Path) -> None:
    """Neither half a program nor its directory stays."""
    program(bare / "go", 'echo half > "$GOBIN/k6"; echo "no route to anywhere" >&2; exit 1')
    with pytest.raises(NoK6, match="ended with code 1: no route to anywhere"):
        build_k6()
    assert [path.name for path in built_path().parents[1].iterdir()] == [".lock"]


def test_what_go_built_is_used_from_then_on(bare: Path, tmp_path: Path) -> None:
    """It is built once, under its version's name."""
    script = f'echo "$(/bin/basename "$0") v{VERSION} (go1.26.0, linux/amd64)"'  # a real one tells its file's name, too
    (tmp_path / "made").write_text(f"#!/bin/sh\n{script}\n")
    program(bare / "go", f'/bin/cp {tmp_path / "made"} "$GOBIN/k6"; /bin/chmod +x "$GOBIN/k6"')
    built = build_k6()
    assert built == find_k6()
    assert built.program == built_path()
    (bare / "go").unlink()
    assert build_k6() == built
    assert sorted(path.name for path in built_path().parents[1].iterdir()) == [".lock", f"v{VERSION}"]


def test_a_build_that_is_interrupted_ends_what_it_started(bare: Path, tmp_path: Path) -> None:
    """Others see that it goes on; after Ctrl-C nothing runs any more, and nothing is left."""
    pid = tmp_path / "pid"
    program(bare / "go", f"echo $$ > {pid}; exec /bin/sleep 60")
    code = "from seawall.stack.k6_binary import build_k6; build_k6()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(["/usr/bin/env", "--default-signal=INT", sys.executable, "-c", code], env=environment,
                          stderr=subprocess.PIPE) as process:  # fmt: skip
        deadline_s = time.monotonic() + 30
        while not (pid.exists() and pid.read_text().strip()):
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        assert is_being_built()
        process.send_signal(2)
        process.communicate(timeout=30)
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert [path.name for path in built_path().parents[1].iterdir()] == [".lock"]
    assert not is_being_built()


def test_the_command_line_refuses_an_old_k6_in_a_line(bare: Path, tmp_path: Path) -> None:
    """Exit code 2, and no stack was started for it."""
    program(bare / "k6", "echo 'k6 v0.57.0 (go1.23.6, linux/amd64)'")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "k6", "ingest"],
        env={**os.environ, "COLUMNS": "200", "SEAWALL_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "0.57.0, and at least 1.0 is needed" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "home").exists()

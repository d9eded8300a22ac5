"""The first start: `bin/seawall` in a repository that has nothing but its lock (here an empty one)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_STUB = "import sys; print('in', sys.prefix, *sys.argv[1:])\n"


def a_repository(root: Path) -> Path:
    """Make a repository with the real commands and a command line that only says where it runs."""
    shutil.copytree(_ROOT / "bin", root / "bin")
    for name in ("requirements.lock", "requirements-dev.lock"):
        (root / name).write_text("# nothing\n")
    (root / "seawall" / "cli").mkdir(parents=True)
    (root / "seawall" / "__init__.py").touch()
    (root / "seawall" / "cli" / "__init__.py").touch()
    (root / "seawall" / "cli" / "__main__.py").write_text(_STUB)
    return root


def start(root: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command from another directory, as a user may."""
    return subprocess.Popen(
        [root / "bin" / "seawall", *arguments],
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def run(root: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run the command to its end; return exit code, output and messages."""
    process = start(root, *arguments, **environment)
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose first start is over, in a directory with a space."""
    root = a_repository(tmp_path_factory.mktemp("a clone") / "seawall")
    assert run(root)[0] == 0
    return root


@pytest.mark.long
def test_two_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """One sets up, the other says that it waits, and both run."""
    root = a_repository(tmp_path / "repository")
    both = [start(root, "one"), start(root, "two")]
    said = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("waiting" in err for _, err in said) == 1
    assert sum("set up in" in err for _, err in said) == 1


def test_the_second_start_sets_nothing_up(repository: Path) -> None:
    """It runs at once in the repository's own environment and hands the arguments on."""
    assert run(repository, "status", "--json") == (0, f"in {repository}/.venv status --json\n", "")


def test_a_link_elsewhere_works(repository: Path, tmp_path: Path) -> None:
    """The command may be linked into a directory of the PATH."""
    link = tmp_path / "seawall"
    link.symlink_to(repository / "bin" / "seawall")
    done = subprocess.run([link], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"in {repository}/.venv")


@pytest.mark.long
def test_an_interrupted_set_up_is_completed(repository: Path) -> None:
    """What a set-up left half-done is made anew by the next start."""
    venv = repository / ".venv"
    (venv / ".seawall-building").touch()
    (venv / ".seawall-runtime.lock").unlink()
    (venv / "half-done").touch()
    code, out, err = run(repository)
    assert (code, "anew" in err) == (0, True)
    assert out.startswith("in ")
    assert not (venv / "half-done").exists()


def test_a_changed_lock_is_followed(repository: Path) -> None:
    """After an update of the lock the next start brings the environment up to date, in place."""
    (repository / ".venv" / "kept").touch()
    (repository / "requirements.lock").write_text("# nothing, and nothing new\n")
    code, _, err = run(repository)
    assert (code, "set up in" in err) == (0, True)
    assert (repository / ".venv" / "kept").exists()
    assert run(repository)[2] == ""


@pytest.mark.long
def test_a_repository_that_was_moved_is_set_up_again(repository: Path) -> None:
    """An environment knows its place, so it is made anew where the repository is now."""
    moved = repository.rename(repository.with_name("moved"))
    code, out, err = run(moved)
    moved.rename(repository)
    assert (code, out) == (0, f"in {moved}/.venv\n")
    assert "moved" in err


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param("exit 1", "SEAWALL_PYTHON", id="no Python, or too old"),
        pytest.param('case "$*" in *ensurepip*) exit 1;; esac', "python3-venv", id="no ensurepip"),
    ],
)
def test_a_python_that_cannot_do_it_is_said(script: str, said: str, tmp_path: Path) -> None:
    """The message names what to install, and the exit code is 2."""
    root = a_repository(tmp_path / "repository")
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    code, out, err = run(root, SEAWALL_PYTHON=str(python))
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.long
def test_packages_that_cannot_be_had_are_said(tmp_path: Path) -> None:
    """When pip fails, its last words are shown, nothing counts as complete, and the exit code is 2."""
    root = a_repository(tmp_path / "repository")
    (root / "requirements.lock").write_text(f"no-such-package==1 --hash=sha256:{'0' * 64}\n")
    code, _, err = run(root, PIP_NO_INDEX="1")
    assert code == 2
    assert "no-such-package" in err
    assert not (root / ".venv" / ".seawall-runtime.lock").exists()

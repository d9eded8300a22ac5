"""Completion in real shells: what the tabulator makes of a line."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seawall.cli.app import VERBS
from seawall.cli.completion_scripts import SHELLS

BASH = shutil.which("bash") or ""
_ASK = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_seawall
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""Asks bash as it asks itself when the tabulator is pressed."""

pytestmark = pytest.mark.skipif(not BASH, reason="bash is not installed")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The script of each shell, as the verb prints it."""
    directory = tmp_path_factory.mktemp("scripts")
    for shell in SHELLS:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "seawall.cli", "completion", shell],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        (directory / shell).write_text(done.stdout, encoding="utf-8")
    return {shell: directory / shell for shell in SHELLS}


def completed(script: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of *words*; no program is found, so none can be started."""
    done = subprocess.run(
        [BASH, "--norc", "--noprofile", "-c", _ASK, "bash", str(script), *words],
        capture_output=True, text=True, timeout=20, check=True, env={"PATH": ""},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("bin/seawall hi", ["history"], id="a verb"),
        pytest.param("bin/seawall s", ["status", "scale", "soak", "stream"], id="several verbs"),
        pytest.param("seawall history --mark", ["--markdown"], id="an option"),
        pytest.param("seawall up --no-k", ["--no-kafka"], id="an option that turns off"),
        pytest.param("seawall compare --path", ["--paths", "--path"], id="both names of an option"),
        pytest.param("seawall attain --path s", ["sync"], id="a value"),
        pytest.param("seawall compare --paths sync,k", ["sync,kafka"], id="the next value of a list"),
        pytest.param("seawall history --by =", ["day", "week", "month"], id="a value behind a sign"),
        pytest.param("seawall history --by = w", ["week"], id="the begin of one"),
        pytest.param("seawall completion f", ["fish"], id="an argument"),
        pytest.param("seawall stream in", ["ingest"], id="a scenario"),
        pytest.param("seawall stream ingest --paths s", ["sync"], id="a value of a scenario's option"),
        pytest.param("seawall bench lat", ["latency"], id="a benchmark"),
        pytest.param("seawall compare --users 2", [], id="a number, which nobody can guess"),
        pytest.param("seawall report --output x", [], id="a file, which bash completes by itself"),
    ],
)
def test_bash_completes(scripts: dict[str, Path], line: str, offered: list[str]) -> None:
    """Verbs, options and values, in the order in which they are listed."""
    assert completed(scripts["bash"], *line.split()) == offered


def test_bash_offers_every_verb_and_its_options(scripts: dict[str, Path]) -> None:
    """All verbs, and for each the options that its help has."""
    assert completed(scripts["bash"], "seawall", "") == [*VERBS, "--help"]
    for verb in VERBS:
        assert "--help" in completed(scripts["bash"], "seawall", verb, "--")


@pytest.mark.parametrize(
    ("command", "prepared"),
    [
        pytest.param(("bash", "--norc", "--noprofile", "-i"), "", id="bash"),
        pytest.param(("zsh", "-f", "-i"), "unsetopt prompt_sp; autoload -U compinit; compinit -u -D; ", id="zsh"),
    ],
)
def test_the_tabulator_works_in_an_interactive_shell(
    scripts: dict[str, Path], tmp_path: Path, command: tuple[str, ...], prepared: str
) -> None:
    """Whatever path the command is called by, the script is asked, and the line becomes whole."""
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    terminal, inside = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "> ", "HOME": str(tmp_path)}
    with subprocess.Popen(
        command, stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True, cwd=tmp_path
    ) as shell:
        os.close(inside)
        os.write(terminal, f"{prepared}. {scripts[command[0]]}; echo re''ady\n".encode())
        assert b"ready" in _until(terminal, b"ready")
        os.write(terminal, b"./some/bin/seawall hist\t--by we\t")
        shown = _until(terminal, b"week ")
        shell.kill()
    os.close(terminal)
    assert b"history --by week " in shown.replace(b" \x08", b"")  # zsh takes its blank back before the next word


def _until(terminal: int, text: bytes, seconds: float = 20.0) -> bytes:
    """Return what the terminal shows until *text* is among it, or the time is up."""
    shown, deadline = b"", time.monotonic() + seconds
    while text not in shown and (left := deadline - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            shown += os.read(terminal, 4096)
    return shown


@pytest.mark.parametrize("shell", [shell for shell in ("zsh", "fish") if shutil.which(shell)])
def test_other_shells_can_read_their_scripts(scripts: dict[str, Path], shell: str) -> None:
    """Where they are installed: no mistake in the syntax."""
    done = subprocess.run([shell, "-n", str(scripts[shell])], capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes(scripts: dict[str, Path], tmp_path: Path) -> None:
    """Verbs, options and values."""
    for line, offered in {"seawall hi": "history", "seawall history --by w": "week"}.items():
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {scripts['fish']}; complete -C '{line}'"],
            capture_output=True, text=True, check=True, timeout=20, env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.stdout.split()[0] == offered


def test_a_shell_that_is_none_is_refused() -> None:
    """With those that are known."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "completion", "tcsh"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "known are bash, zsh, fish" in done.stderr

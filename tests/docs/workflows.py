"""Workflows of build servers, read and run step by step on this machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from seawall.stack.places import ROOT

CI = ROOT / "docs" / "ci"
_EXPRESSION = re.compile(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}")
_SEAWALL = re.compile(r"bin/seawall ([^\n|;]+)")
_STAND_IN = """#!/bin/sh
# Measuring is left out: the stored result is what it would have written. Everything else is Seawall itself.
if [ "$1" = compare ]; then
    while [ "$1" != --output ]; do shift; done
    mkdir -p "$2" && cp "{measured}"/result.json "{measured}"/junit.xml "$2" && exit {code}
fi
exec {python} -P -m seawall.cli "$@"
"""


def load(name: str) -> dict[Any, Any]:
    """Return a workflow; *on* is read as a word and not as a truth."""
    text = (CI / name).read_text(encoding="utf-8")
    document: dict[Any, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - the base loader makes only texts
    return document


def seawall_lines(script: str) -> list[list[str]]:
    """Return the words of each call of `bin/seawall` in a shell script, redirections left out."""
    words = [shlex.split(call.partition(" > ")[0]) for call in _SEAWALL.findall(script)]
    return [[word for word in line if not re.match(r"\d?>", word)] for line in words]


@dataclass
class Job:
    """A job that runs in *place*, where `bin/seawall` measures nothing but is Seawall in all else."""

    place: Path
    environment: dict[str, str]
    outputs: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def make(cls, place: Path, measured: Path, code: int, environment: dict[str, str]) -> Job:
        """Return a job whose measurement is the result in *measured*, and ends with *code*."""
        (place / "bin").mkdir(parents=True)
        program = place / "bin" / "seawall"
        program.write_text(_STAND_IN.format(measured=measured, code=code, python=sys.executable), encoding="utf-8")
        program.chmod(0o755)
        return cls(place, {**os.environ, "PYTHONPATH": str(ROOT), **environment})

    def run(self, script: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a step with bash, as GitHub and GitLab do."""
        output = self.place / "output"
        output.touch()
        return subprocess.run(
            [shutil.which("bash") or "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.place,
            env={
                **self.environment,
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.place / "step-summary.md"),
                **{name: self._resolved(value) for name, value in (environment or {}).items()},
            },
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    def step(self, step: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        """Run a step of GitHub's, and keep what it puts out."""
        done = self.run(step["run"], step.get("env"))
        output = self.place / "output"
        for line in output.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            self.outputs[step.get("id", ""), name] = value
        output.unlink()
        return done

    def _resolved(self, value: str) -> str:
        return _EXPRESSION.sub(lambda found: self.outputs[found[1], found[2]], value)

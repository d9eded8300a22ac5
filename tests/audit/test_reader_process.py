"""The independent reader's process, where nobody waits for it any more."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from seawall.audit.reader import ReaderPlan
from seawall.stack.places import ROOT

PLAN = ReaderPlan(
    database_url="postgresql://nobody@127.0.0.1:1/none", mix=("orders",), users=(0,), since_ms=0, every_ms=5, niceness=0
)


def test_one_whose_parent_was_interrupted_ends_without_a_word() -> None:
    """Before it could say that it is ready: its complaint would stand on the user's terminal."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "seawall.audit.reader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(msgspec.json.encode(PLAN) + b"\n")
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""

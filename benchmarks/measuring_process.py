"""Processes that measure something on their own: one JSON document in, one out."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, TypeVar

import msgspec

from benchmarks.errors import ProcessFailed

Found = TypeVar("Found")


def ask(module: str, question: Any, answer: type[Found]) -> Found:
    """Run ``python -m MODULE`` with *question* as its input, and return its output; raises `ProcessFailed`."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", module],
        input=msgspec.json.encode(question),
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise ProcessFailed(f"{module} ended with code {done.returncode}; what it said stands above")
    return msgspec.json.decode(done.stdout, type=answer)

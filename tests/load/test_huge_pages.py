"""The generator's memory in huge pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_GIVEN = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_SCRIPT = """
import ctypes
from pathlib import Path
from seawall.load.huge_pages import PAGE_BYTES, ask_for_huge_pages

users = [bytes([number % 251]) * 3_000 for number in range(20_000)]
{before}
moved = ask_for_huge_pages()
(kilobytes,) = (int(line.split()[1]) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()
                if line.startswith("AnonHugePages"))
assert all(user == bytes([number % 251]) * 3_000 for number, user in enumerate(users))
print(moved, kilobytes * 1024 // PAGE_BYTES)
"""
_NONE = "ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)"
"""PR_SET_THP_DISABLE: as on a system that gives none."""


def _run(before: str = "") -> tuple[int, int]:
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(before=before)], capture_output=True, text=True, check=True
    )
    moved, there = map(int, ended.stdout.split())
    return moved, there


@pytest.mark.skipif(not _GIVEN.exists() or "[never]" in _GIVEN.read_text(), reason="this system gives no huge pages")
def test_memory_moves_and_holds_what_it_held() -> None:
    """60 MB of objects are 30 huge pages or so, and the objects are as they were."""
    moved, there = _run()
    assert 20 < moved <= there


def test_a_system_that_gives_none_is_no_error() -> None:
    """The load then runs as it always did."""
    assert _run(_NONE) == (0, 0)

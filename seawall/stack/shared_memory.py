"""The few bytes of System V shared memory that a PostgreSQL which was killed leaves to the system."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_PID_FILE = "postmaster.pid"
_IDS_LINE = 6
"""Counting from 0: key and number of the segment, as PostgreSQL's miscadmin.h has it."""
_REMOVE = 0
"""``IPC_RMID``"""


def release_shared_memory(directory: Path) -> int:
    """Remove what servers left whose data lie below *directory*; return how many segments that were.

    To be called when they have ended. A segment to which anybody is still attached is left alone.
    """
    if sys.platform != "linux" or not (table := Path("/proc/sysvipc/shm")).exists():
        return 0
    idle = set()
    for line in table.read_text(encoding="ascii").splitlines()[1:]:
        key, number, _, _, _, _, attached, *_ = line.split()
        if attached == "0":
            idle.add((int(key) & 0xFFFFFFFF, int(number)))
    removed = 0
    for file in directory.glob(f"**/{_PID_FILE}"):
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
        ids = lines[_IDS_LINE].split() if len(lines) > _IDS_LINE else []
        if len(ids) == 2 and all(part.isdigit() for part in ids) and (int(ids[0]), int(ids[1])) in idle:  # noqa: PLR2004
            removed += ctypes.CDLL(None).shmctl(int(ids[1]), _REMOVE, None) == 0
    return removed

"""Room on the disk: told before it is too late, and kept for a last word."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from seawall.experiments.errors import DiskFull, LoadFailed
from seawall.experiments.room import LAST_WORD_BYTES, Room, is_full, used_bytes


def test_room_is_held_back_and_given_free_at_the_end(tmp_path: Path) -> None:
    """It is really taken, not only promised."""
    (tmp_path / "data").mkdir()
    with Room(tmp_path, tmp_path / "data"):
        assert used_bytes(tmp_path) >= LAST_WORD_BYTES
    assert used_bytes(tmp_path) == 0


def test_a_trial_that_would_not_fit_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure is the largest one so far, twice."""
    with Room(tmp_path, tmp_path) as room:
        room.trial_starts()
        (tmp_path / "ledger").write_bytes(b"x" * 3_000_000)
        room.trial_ended()
        room.trial_starts()
        free = list(os.statvfs(tmp_path))
        free[4] = 7_000_000 // free[1]  # f_bavail
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(free))
        with pytest.raises(DiskFull, match=r"has .* MB left, and the next segment may take .* MB: make room"):
            room.trial_starts()


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"), True),
        (LoadFailed("t: [Errno 28] No space left on device: 'part-0.partial'"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (LoadFailed("the load process ended with code 1"), False),
        (ValueError("No space left on device"), False),
    ],
)
def test_a_full_disk_is_known_by_whoever_met_it(error: Exception, full: bool) -> None:  # noqa: FBT001 - a row
    """This process, the columns' writer, or the generator's process."""
    assert is_full(error) is full

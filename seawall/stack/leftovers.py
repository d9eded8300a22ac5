"""Clean up after a supervisor that could not do so itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

from seawall.stack.shared_memory import release_shared_memory
from seawall.stack.small_disk import unmount
from seawall.stack.state import StackState, is_alive, remove_state

_GONE_WITHIN_S = 10.0


def clean_up(state: StackState) -> None:
    """Kill what is left of a dead stack's servers, remove its data, and forget it."""
    left = [service for service in state.services.values() if service.pid and service.started]
    for service in left:
        assert service.pid is not None
        assert service.started is not None
        if is_alive(service.pid, service.started):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(service.pid, signal.SIGKILL)
    deadline = time.monotonic() + _GONE_WITHIN_S
    while time.monotonic() < deadline and any(is_alive(item.pid or 0, item.started or 0.0) for item in left):
        time.sleep(0.02)
    directories = (state.data_dir, *state.directories)
    for directory in directories:
        release_shared_memory(Path(directory))
    for place in state.mounts:
        unmount(Path(place))
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
    remove_state()

"""File systems of limited size for the data of a server, so that a disk can be full without being ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from seawall.stack.errors import ServerFailed

SIZE_MB = 512
"""Enough for a new server and minutes of load."""


def mount(place: Path, size_mb: int, *, uid: int, gid: int) -> None:
    """Put an empty file system of *size_mb* at *place*, which belongs to a user; raises `ServerFailed`."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = f"size={size_mb}m,mode=700,uid={uid},gid={gid}"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "seawall", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServerFailed(f"no file system of limited size can be mounted: {done.stderr.strip()}")


def unmount(place: Path) -> None:
    """Take a file system away again, whoever uses it; does nothing where there is none."""
    if place.is_mount():
        subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


def why_not() -> str:
    """Return why this user can mount none; empty where nothing speaks against it."""
    if shutil.which("mount") is None:
        return "there is no program `mount`"
    if os.geteuid() != 0:
        return "only root may mount a file system of limited size"
    return ""

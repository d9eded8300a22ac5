"""Servers that refuse to run as root, or should not: their files and programs belong to another user."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from seawall.stack.children import last_lines
from seawall.stack.errors import ServerFailed


def hand_over(user: str | None, *places: Path) -> None:
    """Make *places* belong to *user*; does nothing where there is none, since they are ours."""
    if user:
        owner = pwd.getpwnam(user)
        for place in places:
            os.chown(place, owner.pw_uid, owner.pw_gid)


def owner_of(user: str | None) -> tuple[int, int]:
    """Return the numbers of user and group to which a server's files belong."""
    owner = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
    return owner.pw_uid, owner.pw_gid


def run_as(
    user: str | None,
    service: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    log: Path,
) -> None:
    """Run one of a *service*'s programs to its end, its output appended to *log*; raises `ServerFailed`."""
    owner = pwd.getpwnam(user) if user else None
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=directory,
            check=False,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )
    if done.returncode:
        program = Path(command[0]).name
        raise ServerFailed(f"{service}: {program} failed; the end of {log}:\n{last_lines(log)}")

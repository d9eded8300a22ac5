"""Where the stack keeps its files: the home directory, one directory a run, logs, and the user's cache."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from seawall.stack.errors import NoPlace

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""

_KEPT_RUNS = 20
_NEEDED_BYTES = 300 * 2**20
_NOBODYS_PARENTS = ("/var/lib", "/var/tmp", "/tmp")  # noqa: S108 - a private directory is made below one


def home() -> Path:
    """Return the directory of state, data and logs: ``SEAWALL_HOME``, or `.seawall` in the repository."""
    return Path(os.environ.get("SEAWALL_HOME") or ROOT / ".seawall").absolute()


def cache() -> Path:
    """Return the user's cache, where downloads are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "seawall"


@contextlib.contextmanager
def usable(place: Path, advice: str) -> Iterator[None]:
    """Turn what the file system refuses in the block into `NoPlace` with *advice*."""
    try:
        yield
    except OSError as error:
        where = error.filename or place
        raise NoPlace(f"{where}: {(error.strerror or str(error)).lower()}; {advice}") from error


def make_home() -> Path:
    """Create the home directory, closed to other users; raises `NoPlace`."""
    place = home()
    with usable(place, "make room there, or set SEAWALL_HOME to a directory that can be written"):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"\0" * 65536)
        if (free := shutil.disk_usage(place).free) < _NEEDED_BYTES:
            raise NoPlace(
                f"{place}: only {free // 2**20} MB are free and {_NEEDED_BYTES // 2**20} MB are needed; "
                "make room there, or set SEAWALL_HOME to a directory on another disk"
            )
    return place


def make_logs(run: str) -> Path:
    """Create the directory of one run's logs and drop those of the oldest runs."""
    logs = home() / "logs"
    with usable(logs, "make room there, or set SEAWALL_HOME to a directory that can be written"):
        (logs / run).mkdir(parents=True, exist_ok=True)
    for old in sorted(path for path in logs.iterdir() if path.is_dir())[:-_KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    return logs / run


def make_data(run: str) -> Path:
    """Create the directory of one run's data, closed to other users."""
    data = home() / "data" / run
    with usable(data, "make room there, or set SEAWALL_HOME to a directory that can be written"):
        data.mkdir(mode=0o700, parents=True)
    return data


def unprivileged_user() -> str | None:
    """Return the user that runs what refuses to run as root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_name
    except KeyError:
        raise NoPlace("PostgreSQL refuses to run as root and there is no user `nobody`; run as another user") from None


def make_private(user: str, run: str) -> Path:
    """Create a directory that belongs to *user* where that user can reach it; raises `NoPlace`."""
    owner = pwd.getpwnam(user)
    for parent in map(Path, _NOBODYS_PARENTS):
        if not can_enter(parent) or not os.access(parent, os.W_OK):
            continue
        try:
            if shutil.disk_usage(parent).free < _NEEDED_BYTES:
                continue
            place = Path(tempfile.mkdtemp(prefix=f"seawall-{run}-", dir=parent))
            os.chown(place, owner.pw_uid, owner.pw_gid)
        except OSError:
            continue
        return place
    raise NoPlace(
        f"no directory with room is open to the user `{user}`, as whom PostgreSQL runs when we are root "
        f"(tried {', '.join(_NOBODYS_PARENTS)}); run as another user"
    )


def can_enter(path: Path) -> bool:
    """Tell whether any user may pass through *path* and all directories above it."""
    path = path.resolve()
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents) if place.is_dir())

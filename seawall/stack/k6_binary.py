"""Find k6 on the PATH, or build it once into the user's cache.

``python3 -m seawall.stack.k6_binary`` builds it, too: with the standard library alone, so that a build service may do
that while the rest is being set up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from seawall.stack.errors import NoK6, StackError
from seawall.stack.places import cache, usable

VERSION = "1.8.1"
"""What is built."""
OLDEST = (1, 0)
_MODULE = f"go.k6.io/k6@v{VERSION}"
_GO = Path("/usr/local/go/bin/go")
"""Where Go's own archive is unpacked to, which is not always on the PATH."""
_ADVICE = "make room there, or set XDG_CACHE_HOME to a directory that can be written"
_SAID = re.compile(r"^k6(?:\.exe)? v(\d+)\.(\d+)\.(\d+)\S*")
_SHOWN_LINES = 4
_POLL_S = 0.2


class K6Program(NamedTuple):
    """A k6 that can be used."""

    program: Path
    version: str
    """As it tells it, such as ``v1.8.1``."""


def find_k6() -> K6Program | None:
    """Return the k6 of the PATH, else the one that was built; None where neither is there.

    Raises `NoK6` where the one of the PATH is too old, or none: nobody would expect another one to run.
    """
    on_path = shutil.which("k6")
    if on_path is not None:
        return _usable(Path(on_path))
    return _usable(built_path()) if built_path().exists() else None


def built_path() -> Path:
    """Return where the k6 that was built is, or would be; it tells its version behind its file's name."""
    return _folder() / f"v{VERSION}" / "k6"


def find_go() -> Path | None:
    """Return the program `go`, if there is one."""
    on_path = shutil.which("go")
    if on_path is not None:
        return Path(on_path)
    return _GO if os.access(_GO, os.X_OK) else None


def build_k6() -> K6Program:
    """Build k6 by Go, unless that was done; raises `NoK6` where there is no Go or it fails, `NoPlace` without room.

    It appears in one step when it is whole. Two processes that build at once wait for each other.
    """
    with usable(_folder(), _ADVICE), _locked():
        if not built_path().exists():
            go = find_go()
            if go is None:
                raise NoK6(
                    f"there is neither k6 nor Go to build it with: put k6 {_dotted(OLDEST)} or newer on the PATH, or"
                    " install Go, by which Seawall builds it once"
                )
            _build(go)
    return _usable(built_path())


def is_being_built() -> bool:
    """Tell whether some process builds k6 just now."""
    try:
        descriptor = os.open(_lock_path(), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _build(go: Path) -> None:
    with tempfile.TemporaryDirectory(dir=_folder(), prefix=".building-") as name:
        log = Path(name) / "go.log"
        with log.open("wb") as output, _own_group([go, "install", _MODULE], name, output) as process:
            code = process.wait()
        if code:
            last = " ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_SHOWN_LINES:])
            raise NoK6(
                f"`go install {_MODULE}` ended with code {code}: {last or 'it said nothing'}; put a k6 on the PATH, or"
                " see what Go lacks"
            )
        built_path().parent.mkdir(exist_ok=True)
        (Path(name) / "k6").replace(built_path())


@contextlib.contextmanager
def _own_group(command: list[str | Path], place: str, output: object) -> Iterator[subprocess.Popen[bytes]]:
    """Start *command* so that it and the compilers that it starts end with this block, whatever ends that."""
    environment = {**os.environ, "GOBIN": place, "CGO_ENABLED": "0"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,  # type: ignore[call-overload]  # a file
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _usable(program: Path) -> K6Program:
    """Return the k6 that *program* is; raises `NoK6` where it is too old, or none."""
    try:
        done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=30, check=False)
        said = done.stdout.strip() or done.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    found = _SAID.match(said)
    if found is None:
        raise NoK6(f"{program} is no k6 that runs: it says {said[:100]!r}; repair it, or take it off the PATH")
    if (int(found[1]), int(found[2])) < OLDEST:
        raise NoK6(
            f"{program} is k6 {found[1]}.{found[2]}.{found[3]}, and at least {_dotted(OLDEST)} is needed: install a"
            f" newer one, or take it off the PATH and let `bin/seawall k6 --build` build {VERSION}"
        )
    return K6Program(program, found[0].split()[1])


def _folder() -> Path:
    return cache() / "k6"


def _lock_path() -> Path:
    return _folder() / ".lock"


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    _folder().mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_lock_path(), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:  # in steps, so that Ctrl-C ends the waiting at once
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the compilers end, too
    try:
        print(build_k6().program)
    except StackError as error:
        print(f"k6 was not built: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)

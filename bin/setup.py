"""Bring `.venv` to what a lock says: ``setup.py ROOT runtime|dev``; standard library only.

A stamp (a copy of the lock) is written last, so what was interrupted has none and is built again. Two at once wait for
each other. Exit code 2 means that something on this machine is in the way; a message says what.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 11)
_BUILDING = ".seawall-building"
_ROOT = ".seawall-root"
_SHOWN_LINES = 6
_LINE_EVERY = 20


class CannotSetUp(Exception):
    """Something on this machine is in the way; the message says what and what to do."""


def main(root: Path, kind: str) -> None:
    """Complete the virtual environment below *root* for *kind*; raises `CannotSetUp`."""
    with _alone(root):
        if _is_complete(root, kind):
            return  # somebody else has done it while we waited
        began = time.monotonic()
        venv = root / ".venv"
        _refuse_foreign(venv)
        _make(venv)
        lock = root / ("requirements-dev.lock" if kind == "dev" else "requirements.lock")
        (venv / _BUILDING).touch()
        for stamp in (*venv.glob(".seawall-*.lock"), venv / _ROOT):
            stamp.unlink(missing_ok=True)
        _install(venv, lock, root / ".venv.setup" / "pip.log")
        site = next(venv.glob("lib/python3*/site-packages"))
        _write(site / "seawall-root.pth", f"{root}\n".encode())
        if kind == "dev":
            _write(venv / ".seawall-dev.lock", lock.read_bytes())
        _write(venv / ".seawall-runtime.lock", (root / "requirements.lock").read_bytes())
        (venv / _BUILDING).unlink()
        _write(venv / _ROOT, f"{root}\n".encode())
        _say(f"seawall: set up in {time.monotonic() - began:.0f} s")


def _is_complete(root: Path, kind: str) -> bool:
    venv = root / ".venv"
    wanted = {".seawall-runtime.lock": "requirements.lock"}
    if kind == "dev":
        wanted[".seawall-dev.lock"] = "requirements-dev.lock"
    try:
        return (
            os.access(venv / "bin" / "python", os.X_OK)
            and (venv / _ROOT).read_text(encoding="utf-8") == f"{root}\n"
            and all((venv / stamp).read_bytes() == (root / lock).read_bytes() for stamp, lock in wanted.items())
        )
    except OSError:
        return False


def _refuse_foreign(venv: Path) -> None:
    if venv.exists() and not os.access(venv, os.W_OK):
        raise CannotSetUp(
            f"{venv} has to be brought up to date, but it belongs to another user; let that user run this command, "
            "or work in a clone of your own"
        )


def _make(venv: Path) -> None:
    """Leave a virtual environment with a working pip; one that was moved, or is half-made, is made anew."""
    if venv.exists() and _is_sound(venv):
        return
    if venv.exists():
        _say("seawall: .venv is unfinished or was moved; making it anew")
        shutil.rmtree(venv)
    venv.mkdir()
    (venv / _BUILDING).touch()
    # The real path has the version in its name: after an upgrade of the system's Python it is gone, which shows, while
    # `python3` would be there and miss all packages.
    python = Path(sys.executable).resolve()
    done = subprocess.run([python, "-I", "-m", "venv", venv], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(venv, ignore_errors=True)
        raise CannotSetUp(f"{python} cannot make a virtual environment:\n{_tail(done.stdout + done.stderr)}")


def _is_sound(venv: Path) -> bool:
    if (venv / _BUILDING).exists():
        return False
    with contextlib.suppress(OSError):
        if (venv / _ROOT).read_text(encoding="utf-8") != f"{venv.parent}\n":
            return False
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    try:
        return (
            subprocess.run([venv / "bin" / "python", "-I", "-c", probe], capture_output=True, check=False).returncode
            == 0
        )
    except OSError:
        return False


def _install(venv: Path, lock: Path, log: Path) -> None:
    total = len(re.findall(r"^[A-Za-z0-9_.-]+==", lock.read_text(encoding="utf-8"), flags=re.MULTILINE))
    _say(f"seawall: setting up .venv, once: {total} packages at most")
    command = [
        *(
            venv / "bin" / "python",
            "-I",
            "-m",
            "pip",
            "install",
            "--progress-bar",
            "off",
            "--disable-pip-version-check",
        ),
        *("--require-hashes", "-r", lock),
    ]
    # The user's settings (an index, certificates, a proxy) hold; but into the user's own directory it must not go.
    environment = {**os.environ, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
    lines = []
    seen = 0
    with (
        log.open("w", encoding="utf-8") as copy,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, errors="replace"
        ) as pip,
    ):
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line)
            copy.write(line)
            if line.startswith(("Collecting ", "Requirement already satisfied")):
                seen += 1
                _count(seen, total)
            elif line.startswith("Installing collected"):
                _say(f"\r  {seen} packages are here; installing" if sys.stderr.isatty() else "  installing")
    if pip.returncode:
        text = "".join(lines)
        if "No space left" in text:
            raise CannotSetUp(f"no space is left for {venv}; make room, then try again")
        raise CannotSetUp(f"pip could not install the packages of {lock.name} (all it said: {log}):\n{_tail(text)}")


def _count(seen: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r  {seen} of {total} packages")
        sys.stderr.flush()
    elif seen % _LINE_EVERY == 0:
        _say(f"  {seen} of {total} packages")


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_SHOWN_LINES:])


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    folder = root / ".venv.setup"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("seawall: another set-up is at work; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2])
    except CannotSetUp as error:
        sys.exit(_say(f"seawall: {error}") or 2)
    except OSError as error:
        place = error.filename or sys.argv[1]
        _say(f"seawall: {place}: {error.strerror}; this directory must be writable, with some 800 MB free")
        sys.exit(2)
    except KeyboardInterrupt:
        _say("\nseawall: set-up interrupted; the next start completes it")
        sys.exit(130)

"""Images of Seawall's roles, started as a container engine would start them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from containerfiles import Image, inside, lay_out, read_image

_STOP_S = 30.0


@dataclass
class Container:
    """A process in an image of its own."""

    image: Image
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]
    log: Path

    @property
    def own(self) -> psutil.Process:
        """What runs in it."""
        return psutil.Process(self.process.pid)

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run *words* beside it, as its user."""
        user, _, group = self.image.user.partition(":")
        variables = [f"{name}={value}" for name, value in {**self.image.environment, **self.environment}.items()]
        entered = ["nsenter", f"--target={self.process.pid}", "--mount", "--root", f"--wd=/proc/{self.process.pid}/cwd"]
        entered += ["/usr/bin/env", "-i", *variables]
        entered += ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
        return subprocess.run([*entered, *words], capture_output=True, text=True, check=False, timeout=60)

    def healthy(self) -> bool:
        """Tell what the image's health check says."""
        return self.run(self.image.health).returncode == 0

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_STOP_S)


@dataclass
class Images:
    """The images, laid out once."""

    directory: Path
    readings: int = 0

    def root(self, role: str) -> Path:
        """Return where a role's image lies."""
        found = self.directory / role
        if not found.exists():
            found.mkdir()
            lay_out(read_image(role), found)
        return found

    @contextlib.contextmanager
    def running(
        self,
        role: str,
        environment: Mapping[str, str],
        words: Sequence[str] = (),
        *,
        image: Image | None = None,
        temporary: Sequence[str] = ("/tmp",),  # noqa: S108 - inside the image
        mounts: Mapping[str, Path] | None = None,
    ) -> Iterator[Container]:
        """Run a role, by its own command or by *words*, and end it."""
        image = image or read_image(role)
        self.readings += 1
        log = self.directory / f"{role}-{self.readings}.log"
        command = inside(self.root(role), image, words or image.start, environment, temporary=temporary, mounts=mounts)
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield Container(image, process, environment, log)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def available() -> str:
    """Return why images cannot be run here; empty where they can."""
    missing = [name for name in ("unshare", "nsenter", "setpriv", "chroot") if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)} here"
    if os.geteuid() != 0:
        return "only root may give a process a root of its own"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no mount namespaces here"


def made_in(directory: Path) -> Images:
    """Return the images, to be laid out below *directory*; leave the test out where they cannot be run."""
    if reason := available():
        pytest.skip(reason)
    for place in (directory, *directory.parents):
        if not place.stat().st_mode & 0o001 and place.is_relative_to("/tmp"):  # noqa: S108 - pytest's
            place.chmod(0o755)
    return Images(directory)

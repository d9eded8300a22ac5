"""Java's programs, Apache Kafka above all: pinned by coordinate and SHA-256, fetched once into the user's cache."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from seawall.stack.errors import JarsUnavailable
from seawall.stack.places import cache, usable

_LOCK = Path(__file__).with_name("kafka_jars.lock")
_SIDE_BY_SIDE = 6
_ATTEMPTS = 3
_TIMEOUT_S = 60
_TELL_EVERY_S = 0.1
_ADVICE = "make room there, or set XDG_CACHE_HOME to a directory that can be written"

Progress = Callable[[int, int], None]
"""Called with the bytes that have come and the bytes to come in all; from several threads, never two at once."""


class Jar(NamedTuple):
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    size_bytes: int
    sha256: str
    classifier: str = ""
    packaging: str = "jar"

    @property
    def coordinate(self) -> str:
        """The Maven coordinate."""
        return ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))

    @property
    def filename(self) -> str:
        """The name of its file."""
        return f"{'-'.join(filter(None, (self.artifact, self.version, self.classifier)))}.{self.packaging}"


def read_lock(path: Path = _LOCK) -> list[Jar]:
    """Return what the lock names: jars, or archives, whose coordinate ends with classifier and packaging."""
    jars = []
    for line in path.read_text(encoding="ascii").splitlines():
        if line and not line.startswith("#"):
            coordinate, size, sha256 = line.split()
            group, artifact, version, *other = coordinate.split(":")
            jars.append(Jar(group, artifact, version, int(size), sha256, *other))
    return jars


def kafka_version() -> str:
    """Return the version of Kafka that the lock pins."""
    return next(jar.version for jar in read_lock() if jar.artifact == "kafka-clients")


class JarCache:
    """The jars on disk; every file in it was checked before it got there, by an atomic move."""

    def __init__(self, folder: Path | None = None, jars: Iterable[Jar] | None = None) -> None:
        self.folder = folder or cache() / "jars"
        self.jars = list(read_lock() if jars is None else jars)

    def path(self, jar: Jar) -> Path:
        """Return where *jar* is, or would be."""
        return self.folder / jar.filename

    def class_path(self) -> str:
        """Return Java's class path of all jars."""
        return ":".join(str(self.path(jar)) for jar in self.jars)

    def missing(self) -> list[Jar]:
        """Return the jars that are not there or have another size than they should; cheap."""
        return [jar for jar in self.jars if not self._has_size(jar)]

    def broken(self) -> list[Jar]:
        """Return the jars that are not there or have another content than they should; reads every byte."""
        return [jar for jar in self.jars if not self._has_size(jar) or sha256_of(self.path(jar)) != jar.sha256]

    def fetch(self, wanted: Iterable[Jar], progress: Progress = lambda _done, _total: None) -> None:
        """Fetch the *wanted* jars, several side by side; raises `JarsUnavailable` or `NoPlace`.

        Two processes that fetch at once wait for each other, file by file.
        """
        wanted = list(wanted)
        if not wanted:
            return
        with usable(self.folder, _ADVICE):
            self.folder.mkdir(parents=True, exist_ok=True)
        meter = _Meter(sum(jar.size_bytes for jar in wanted), progress)
        _trust_the_system()
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="jars") as pool:
            tasks = [pool.submit(self._fetch, jar, meter) for jar in wanted]
            try:
                for task in tasks:
                    task.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _has_size(self, jar: Jar) -> bool:
        try:
            return self.path(jar).stat().st_size == jar.size_bytes
        except OSError:
            return False

    def _fetch(self, jar: Jar, meter: _Meter) -> None:
        with usable(self.folder, _ADVICE), self._locked(jar):
            if self._has_size(jar) and sha256_of(self.path(jar)) == jar.sha256:
                meter.add(jar.size_bytes)  # another process brought it while we waited
                return
            for attempt in range(1, _ATTEMPTS + 1):
                counted = meter.part()
                try:
                    self._download(jar, counted)
                except JarsUnavailable:
                    counted.undo()
                    if attempt == _ATTEMPTS:
                        raise
                else:
                    return

    def _download(self, jar: Jar, counted: _Part) -> None:
        # One name a jar: what an interrupted download left there goes away with the next one, under the same lock.
        private = self.folder / f".partial-{jar.filename}"
        shutil.rmtree(private, ignore_errors=True)
        try:
            try:
                found = _resolve(jar, private, counted)
            except OSError as error:
                # What requests raises is an OSError, too; only those of the file system have a file name or a number.
                if error.errno and not hasattr(error, "response"):
                    raise
                raise _unavailable(jar, error) from error
            except RuntimeError as error:
                raise _unavailable(jar, error) from error
            if sha256_of(found) != jar.sha256:
                raise JarsUnavailable(
                    f"{jar.coordinate}: what was fetched is not what the lock pins (SHA-256 differs); "
                    "something between here and the Maven repository changes files"
                )
            found.replace(self.path(jar))
        finally:
            shutil.rmtree(private, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self, jar: Jar) -> Iterator[None]:
        descriptor = os.open(self.folder / f".{jar.filename}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class _Meter:
    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._done, self._progress = total, 0, progress
        self._lock = threading.Lock()
        self._told = 0.0

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            now = time.monotonic()
            if now - self._told >= _TELL_EVERY_S or self._done == self._total:
                self._told = now
                self._progress(self._done, self._total)

    def part(self) -> _Part:
        return _Part(self)


class _Part:
    """What one attempt has brought, so that a failed one can be taken back."""

    def __init__(self, meter: _Meter) -> None:
        self._meter, self._count = meter, 0

    @contextlib.contextmanager
    def __call__(self, _name: str, _total: int) -> Iterator[Callable[[int], None]]:
        yield self.add

    def add(self, count: int) -> None:
        self._count += count
        self._meter.add(count)

    def undo(self) -> None:
        self._meter.add(-self._count)


def _resolve(jar: Jar, private: Path, counted: _Part) -> Path:
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - half a second, needed once in a cache's life

    resolver = PythonResolver(progress_callback=counted)
    mirror = os.environ.get("SEAWALL_MAVEN_REPOSITORY")
    context = MavenContext(
        repo_cache=private,
        resolver=resolver,
        timeout=_TIMEOUT_S,
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
    )
    wanted = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(wanted.artifact(jar.classifier, jar.packaging).resolve())


def _trust_the_system() -> None:
    import truststore  # noqa: PLC0415 - only where something is fetched

    truststore.inject_into_ssl()


def _unavailable(jar: Jar, error: Exception) -> JarsUnavailable:
    reason = " ".join(str(error).split())[:200]
    return JarsUnavailable(
        f"{jar.coordinate} could not be fetched: {reason}; check the network, or name a Maven mirror in "
        "SEAWALL_MAVEN_REPOSITORY, then try again"
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits; raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

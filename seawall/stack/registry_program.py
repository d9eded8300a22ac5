"""The schema registry's program: one archive, pinned like Kafka's jars, unpacked once into the user's cache."""

from __future__ import annotations

import fcntl
import shutil
import tarfile
from pathlib import Path

from seawall.stack.errors import JarsUnavailable
from seawall.stack.jars import JarCache, Progress, read_lock
from seawall.stack.places import cache, usable

_LOCK = Path(__file__).with_name("registry.lock")
_ADVICE = "make room there, or set XDG_CACHE_HOME to a directory that can be written"


class RegistryProgram:
    """Apicurio Registry on disk; its directory appears at once, whole, and out of an archive that was checked."""

    def __init__(self, folder: Path | None = None) -> None:
        place = folder or cache()
        self._archive = read_lock(_LOCK)[0]
        self._jars = JarCache(place / "jars", [self._archive])
        self.directory = place / f"registry-{self.version}-{self._archive.sha256[:12]}"

    @property
    def version(self) -> str:
        """The version that the lock pins."""
        return self._archive.version

    @property
    def size_bytes(self) -> int:
        """How much has to be fetched."""
        return self._archive.size_bytes

    @property
    def complete(self) -> bool:
        """Whether it is there."""
        return self.main_jar.exists()

    @property
    def main_jar(self) -> Path:
        """What Java runs."""
        return self.directory / "quarkus-run.jar"

    def fetch(self, progress: Progress = lambda _done, _total: None) -> None:
        """Fetch and unpack it; raises `JarsUnavailable` or `NoPlace`. Two processes that do so wait for each other."""
        with usable(self.directory.parent, _ADVICE):
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            with self.directory.with_name(f".{self.directory.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not self.complete:
                    self._jars.fetch([self._archive], progress)
                    self._unpack()

    def _unpack(self) -> None:
        archive = self._jars.path(self._archive)
        partial = self.directory.with_name(f".partial-{self.directory.name}")
        for place in (partial, self.directory):
            shutil.rmtree(place, ignore_errors=True)
        try:
            with tarfile.open(archive) as packed:
                # Python 3.11 has the filter from its fourth release on
                packed.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
                packed.extractall(partial)  # noqa: S202 - its SHA-256 was checked
            partial.replace(self.directory)
        except tarfile.TarError as error:
            raise JarsUnavailable(f"{self._archive.coordinate} cannot be unpacked: {error}; try again") from None
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            archive.unlink(missing_ok=True)  # what it held is there, and it is large

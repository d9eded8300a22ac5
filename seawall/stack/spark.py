"""The Spark job as the instrument runs it: a process of its own, with Java 17 and the connector's jars."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import psutil

from contract.features import TOPIC
from seawall.stack.errors import NoJava, NoSpark, ServerFailed
from seawall.stack.jars import JarCache, Progress, read_lock
from seawall.stack.java import version_of
from seawall.stack.places import ROOT
from seawall.stack.ports import HOST
from seawall.stack.reviewers import await_said, empty_topic
from seawall.stack.stack import Stack
from seawall.stack.worker import Worker

MODULE = "workers.spark_job"
WANTED_JAVA = 17
INSTALL = ".venv/bin/python -m pip install --require-hashes -r requirements-spark.lock"
_LOCK = Path(__file__).with_name("spark_jars.lock")
_READY_WITHIN_S = 600.0
"""Java, Spark and its jars; on a quiet machine some seconds."""
_STOPPED_WITHIN_S = 30.0
_REFERENCE_S = 300.0


def require_spark() -> Path:
    """Return the home of a Java on which Spark runs; raises `NoSpark`, or `NoJava`, with what to install."""
    try:
        version("pyspark")  # which is there when all of it is
    except PackageNotFoundError:
        raise NoSpark(f"Spark is an extra that is not installed (434 MB): {INSTALL}") from None
    return find_spark_java()


def find_spark_java() -> Path:
    """Return the home of the first Java 17: ``SEAWALL_SPARK_JAVA``, ``JAVA_HOME``, the PATH, ``/usr/lib/jvm``.

    Raises `NoJava`, also where ``SEAWALL_SPARK_JAVA`` names another.
    """
    seen = []
    for source, program in _candidates():
        said = version_of(program)
        if said is not None and said.split(".")[0] == str(WANTED_JAVA):
            return program.resolve().parent.parent
        seen.append(f"{source}: {program} {'does not run' if said is None else f'is Java {said}'}")
        if source == "SEAWALL_SPARK_JAVA":
            break
    raise NoJava(
        f"Spark needs Java {WANTED_JAVA} ({'; '.join(seen) or 'no Java found'}); install one (Debian:"
        " openjdk-17-jre-headless) or name its program `java` in SEAWALL_SPARK_JAVA"
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    if named := os.environ.get("SEAWALL_SPARK_JAVA"):
        yield "SEAWALL_SPARK_JAVA", Path(named)
    if named := os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(named) / "bin" / "java"
    for place in os.environ.get("PATH", "").split(os.pathsep):
        if place and (program := Path(place) / "java").exists():
            yield "PATH", program
    for program in sorted(Path("/usr/lib/jvm").glob(f"*{WANTED_JAVA}*/bin/java")):
        yield "/usr/lib/jvm", program


def connector(progress: Progress = lambda _done, _total: None) -> list[Path]:
    """Return the jars of Spark's Kafka connector, fetched when they are first needed; raises `JarsUnavailable`."""
    jars = JarCache(jars=read_lock(_LOCK))
    jars.fetch(jars.missing(), progress)
    return [jars.path(jar) for jar in jars.jars]


class Held(NamedTuple):
    """The memory that a job holds at a moment."""

    java_bytes: int
    python_bytes: int


class SparkProcess(Worker):
    """The job, whose lines are JSON, with settings as its variables name them without ``SEAWALL_SPARK_``."""

    def __init__(
        self,
        stack: Stack,
        name: str,
        place: Path,
        settings: Mapping[str, object],
        *,
        java_home: Path,
        jars: Iterable[Path],
    ) -> None:
        """Start it; its output and log lie in *place* under its *name*, and its checkpoint and scratch there, too."""
        scratch = place / "spark"
        scratch.mkdir(parents=True, exist_ok=True)
        own = {
            "checkpoint": str(place / "checkpoint"),
            "local_dir": str(scratch),
            "jars": ",".join(str(path) for path in jars),
            **settings,
        }
        variables = {f"SEAWALL_SPARK_{key.upper()}": str(value) for key, value in own.items()}
        if str(own.get("master", "local")).startswith("local"):
            variables["SPARK_LOCAL_IP"] = HOST
        variables |= {
            "JAVA_HOME": str(java_home),
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
        }
        super().__init__(MODULE, stack, variables, output=place / f"{name}.jsonl", log=place / f"{name}.log")

    def await_start(self) -> None:
        """Return once its query runs; raises `ServerFailed` where it ends before."""
        await_said(self, lambda: any(b'"started":true' in line for line in self.lines()), _READY_WITHIN_S)

    def held(self) -> Held:
        """Return the memory of its Java and its Pythons; of a cluster that is the driver's alone.

        What processes share, as forked Pythons do, counts once: a part for each of them (PSS).
        """
        java = python = 0
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                name, held = process.name(), int(process.memory_full_info().pss)
                if name.startswith("java"):
                    java += held
                else:
                    python += held
        return Held(java, python)

    def processor_s(self) -> float:
        """Return the processor time of all of it so far."""
        found = 0.0
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                found += times.user + times.system
        return found

    def kill_all(self) -> None:
        """Kill it, its Java and its Pythons at once, and wait for that."""
        family = self._family()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for process in family:  # Spark's Pythons have a process group of their own
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process.wait()
        psutil.wait_procs(family, timeout=_STOPPED_WITHIN_S)

    def stop(self) -> None:
        """Ask it to end, and kill all of it where it does not."""
        self._process.terminate()
        if not self.wait(_STOPPED_WITHIN_S):
            self.kill_all()

    def _family(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.Error:
            return []


def reference(messages: Iterable[bytes]) -> list[bytes]:
    """Return the features of *messages* without Spark, each review's once; raises `ServerFailed`."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-P", "-m", f"{MODULE}.reference"], input=b"".join(one + b"\n" for one in messages),
        capture_output=True, timeout=_REFERENCE_S, check=False, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    if done.returncode:
        raise ServerFailed(f"{MODULE}.reference ended: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout.splitlines()


def empty_features(stack: Stack) -> None:
    """Make the topic of features where it is not there yet, and delete its records; raises `Unreachable`."""
    empty_topic(stack.connections.kafka, TOPIC)


def spark_versions() -> dict[str, str]:
    """Return the versions of Spark, and of the Java on which it runs."""
    return {"spark": version("pyspark"), "spark-java": version_of(find_spark_java() / "bin" / "java") or ""}

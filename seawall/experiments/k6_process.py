"""Runs k6 against a service, and makes what it leaves into a recorded run."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from contract.ids import Run
from seawall.experiments.errors import LoadFailed, NotRecorded
from seawall.experiments.k6_standing import k6_figures
from seawall.experiments.recorded_trial import Recorded
from seawall.load.api_key import key_headers
from seawall.load.k6_material import write_k6_material
from seawall.load.k6_run import ClockPair, K6Load, K6Run, clock_pair
from seawall.load.metrics_beside import LOOPBACK, ShownBeside
from seawall.stack.k6_binary import K6Program
from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports
from seawall.stack.usage import process_use
from seawall.targets.k6_thresholds import K6Threshold

SCRIPT = ROOT / "k6" / "ingest.js"
CROSSED = 99
"""k6's exit code where one of its thresholds was crossed."""
_POLL_S = 0.25
_BESIDE_SCHEDULE_S = 120.0
"""So much longer than its schedule k6 may take: it sets its users up, waits for its last answers, writes its files."""
_LAST_WORDS_S = 20.0
_BEARER = "Bearer "
_CROSSED = re.compile(r"thresholds on metrics '([^']*)' have been crossed")


@dataclass(frozen=True)
class K6Place:
    """Where one run of k6 reads and writes."""

    directory: Path
    """Of the raw columns of all trials."""
    name: str
    """Of the trial."""

    @property
    def ledger(self) -> Path:
        """The recorded run."""
        return self.directory / f"{self.name}.parquet"

    @property
    def csv(self) -> Path:
        """What k6 wrote itself."""
        return self.directory / f"{self.name}.csv.gz"

    @property
    def material(self) -> Path:
        """What the script reads."""
        return self.directory / f"{self.name}.material.json"

    @property
    def log(self) -> Path:
        """What k6 said."""
        return self.directory / f"{self.name}.log"


@dataclass(frozen=True)
class K6Ended:
    """A run of k6 that has ended, and what k6 itself thought of it."""

    recorded: Recorded
    crossed: frozenset[str] = field(default_factory=frozenset)
    """The metrics of k6's own thresholds that were crossed."""
    interrupted: bool = False


def script_environment(load: K6Load, host: str, material: Path) -> dict[str, str]:
    """Return the variables from which the script learns what it is asked for; the service's key is among them."""
    key = key_headers(host).get("Authorization", "").removeprefix(_BEARER)
    found = {
        "SEAWALL_API_URL": host,
        "SEAWALL_MATERIAL": str(material.resolve()),
        "SEAWALL_SCENARIO": load.scenario,
        "SEAWALL_WRITE_PATH": load.path,
        "SEAWALL_RATE": str(load.rate_per_s),
        "SEAWALL_USERS": str(load.users),
        "SEAWALL_DURATION": f"{round(load.duration_s * 1e3)}ms",
        "SEAWALL_TRACE_SHARE": "0",  # traces take time that would be judged
        "SEAWALL_RUN": f"{Run(*load.run).high:016x}",
    }
    return {**found, "SEAWALL_API_KEY": key} if key else found


def run_k6(
    k6: K6Program,
    load: K6Load,
    host: str,
    place: K6Place,
    thresholds: list[K6Threshold],
    on_progress: Callable[[float], None] = lambda _: None,
) -> K6Ended:
    """Run k6 to its end, and return its run as a recorded one; *on_progress* gets the seconds since its start.

    The first `KeyboardInterrupt` ends k6, and what was measured by then is returned. Raises `LoadFailed` where k6 could
    not make the load, or left something that cannot be read.
    """
    place.directory.mkdir(parents=True, exist_ok=True)
    write_k6_material(place.material, load.entity, load.seed, thresholds)
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    clock, cpu, interrupted_ns = [clock_pair()], [(time.monotonic_ns(), 0.0)], None
    with ShownBeside(host) as shown:
        # Only where somebody reads figures has k6 to count while it makes load.
        address = f"{LOOPBACK}:{free_ports(1)[0]}" if shown.wanted else ""

        def goes_on(elapsed_s: float) -> None:
            shown.tell(lambda: k6_figures(address, load, cpu))
            on_progress(elapsed_s)

        with _started(k6, load, host, place, address) as process:
            try:
                _watch(process, load, clock, cpu, goes_on)
            except KeyboardInterrupt:
                interrupted_ns = time.monotonic_ns()
                process.send_signal(signal.SIGINT)
                _await_end(process, clock)
            code = process.wait()
    clock.append(clock_pair())
    if code not in (0, CROSSED) and interrupted_ns is None:
        raise LoadFailed(f"k6 {_ended(code)}: {_last_words(place.log)}; see {place.log}")
    run = K6Run(
        load=load,
        host=host,
        started_at=started_at,
        csv=str(place.csv),
        clock=clock,
        cpu=cpu,
        cores=len(os.sched_getaffinity(0)),
        interrupted_ns=interrupted_ns,
    )
    return K6Ended(_converted(run, place), _crossed(place.log), interrupted=interrupted_ns is not None)


@contextlib.contextmanager
def _started(k6: K6Program, load: K6Load, host: str, place: K6Place, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start k6, which ends with this block if it has not; at *address* it tells how it stands, if there is one."""
    # What a user has set for k6 would change the load, and is meant for another script.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("K6_")}
    own = {"K6_CSV_TIME_FORMAT": "unix_micro", "K6_AUTO_EXTENSION_RESOLUTION": "false", "NO_COLOR": "1"}
    command = [str(k6.program), "run", "--quiet", "--no-usage-report", "--address", address, "--log-format", "raw"]
    with place.log.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--out", f"csv={place.csv}", str(SCRIPT)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**inherited, **own, **script_environment(load, host, place.material)},
            start_new_session=True,  # a terminal's Ctrl-C is for the experiment, which then asks for a stop
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _watch(
    process: subprocess.Popen[bytes],
    load: K6Load,
    clock: list[ClockPair],
    cpu: list[tuple[int, float]],
    on_progress: Callable[[float], None],
) -> None:
    """Note both clocks and k6's processor time until it ends; raises `LoadFailed` where it never does."""
    began = time.monotonic()
    while process.poll() is None:
        use = process_use(process.pid)
        if use is not None:
            cpu.append((time.monotonic_ns(), use.cpu_s))
        clock.append(clock_pair())
        elapsed_s = time.monotonic() - began
        if elapsed_s > load.duration_s + _BESIDE_SCHEDULE_S:
            raise LoadFailed(f"k6 has not ended {_BESIDE_SCHEDULE_S:.0f} s after its schedule")
        on_progress(elapsed_s)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)


def _await_end(process: subprocess.Popen[bytes], clock: list[ClockPair]) -> None:
    """Give k6 time for its last words, and end it where it takes longer."""
    deadline_s = time.monotonic() + _LAST_WORDS_S
    while process.poll() is None and time.monotonic() < deadline_s:
        clock.append(clock_pair())
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
    process.kill()


def _converted(run: K6Run, place: K6Place) -> Recorded:
    """Have the ledger written, by a process that may use what the load side uses."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.load.k6_ledger", str(place.ledger)],
        input=msgspec.json.encode(run),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))},
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise LoadFailed(f"what k6 wrote cannot be read: {said[-1] if said else f'code {done.returncode}'}")
    try:
        return Recorded.read(place.ledger)
    except NotRecorded as error:
        raise LoadFailed(str(error)) from None


def _crossed(log: Path) -> frozenset[str]:
    found = _CROSSED.search(log.read_text(encoding="utf-8", errors="replace"))
    return frozenset(found[1].split(", ")) if found else frozenset()


def _ended(code: int) -> str:
    if code < 0:
        return f"was ended by signal {-code}"
    return f"ended with code {code}"


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


def write_for_plain_runs(directory: Path, load: K6Load, host: str, thresholds: list[K6Threshold]) -> Path:
    """Write what a plain `k6 run` of the script needs into *directory*, and return the file of variables in it.

    That file holds the service's key, so only its owner may read it. Each plain run mints ids of a run of its own.
    """
    material, variables = directory / "material.json", directory / "k6.env"
    write_k6_material(material, load.entity, load.seed, thresholds)
    given = script_environment(load, host, material)
    given.pop("SEAWALL_RUN")
    variables.touch(mode=0o600)
    variables.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in given.items()), encoding="utf-8")
    return variables

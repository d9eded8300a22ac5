"""Some tests run in processes of their own, beside the others, as one run: those that share no server, and some rooms.

`--beside` asks for it. Those processes have what the others leave of the processors, and hand on what came of each
test; so every test appears once, in the summary, in a JUnit file and among those that failed last.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOMS = (
    *(
        TESTS / room
        for room in ("advice", "audit", "contract", "docs", "experiments", "report", "stats", "targets", "tuning")
    ),
    *(TESTS / "deploy" / f"test_{name}.py" for name in ("compose", "grafana", "kubernetes", "locks")),
)
"""Where nearly every test works by itself."""
MIXED = tuple(
    TESTS / room
    for room in ("api", "benchmarks", "cli", "controls", "hostile", "load", "observe", "stack", "supply", "workers")
)
"""Where some do, and some start servers of their own and wait for those; long ones load these, too."""
TIMED = tuple(
    TESTS / room / f"test_{name}.py"
    for room, names in {
        "controls": ("latency_server",),
        "experiments": ("load_process",),
        "load": ("alarm", "distributed", "shapes"),
    }.items()
    for name in names
)
"""What sends by a schedule, or wakes at its times, is not to be slowed down."""
SHARED = {"stack", "mariadb_url", "k6"}
"""Servers and programs that tests have one of for all of them."""
SERVED = tuple(TESTS / room for room in ("api", "hostile", "observe", "workers"))
"""Whose tests get such servers in a process beside, where they are started once more: all have as much to do then."""
LONGEST = (TESTS / "cli" / "test_fault_command.py",)
"""What takes minutes, most of them waiting, on a stack of its own."""
PARTS = (LONGEST, SERVED, tuple(place for place in (*ROOMS, *MIXED) if place not in SERVED))
"""What each of the processes beside runs; a file that a part names is in no other."""
_LOWEST = 19


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options: the one for people, and the one by which another process is told where to report."""
    group = parser.getgroup("beside")
    group.addoption("--beside", action="store_true", help="run the tests without servers beside the others")
    group.addoption("--report-to", type=Path, help="a file that gets a line for each report")


def pytest_configure(config: pytest.Config) -> None:
    """Be one of the processes, if there are several."""
    if config.getoption("--report-to"):
        config.pluginmanager.register(Reporting(config))
    elif config.getoption("--beside") and not config.option.collectonly:
        config.pluginmanager.register(Others(config))


def works_alone(item: pytest.Item) -> bool:
    """Tell whether a test needs no server of the main process, no browser and no quiet."""
    places = ROOMS if item.get_closest_marker("long") else (*ROOMS, *MIXED)
    there = any(item.path.is_relative_to(place) for place in places) and item.path not in TIMED
    if not there or item.get_closest_marker("browser") is not None:
        return False
    return any(item.path.is_relative_to(place) for place in SERVED) or SHARED.isdisjoint(
        getattr(item, "fixturenames", ())
    )


def _step_back() -> None:
    """Lower the priority of this process, and of its session where the kernel groups tasks by these."""
    os.nice(_LOWEST)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_LOWEST), encoding="ascii")


class Reporting:
    """Writes each report down for the process that asked for it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._file = config.getoption("--report-to").open("a", encoding="utf-8")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write one."""
        lines = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._file.write(json.dumps(lines) + "\n")

    def pytest_unconfigure(self) -> None:
        """Close the file."""
        self._file.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take these tests alone."""
        items[:] = [item for item in items if works_alone(item)]


class Others:
    """Has the rooms' tests run by other processes, and takes their reports for its own run's."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._place = tempfile.TemporaryDirectory()
        self._processes: list[tuple[Path, subprocess.Popen[bytes]]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave these tests to the other processes."""
        items[:] = [item for item in items if not works_alone(item)]

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Start the other processes."""
        for number, part in enumerate(PARTS):
            place = Path(self._place.name) / str(number)
            place.mkdir()
            with (place / "said").open("wb") as said:
                process = subprocess.Popen(
                    [
                        sys.executable, "-P", "-m", "pytest", "-m", session.config.option.markexpr,
                        "-o", f"cache_dir={place / 'cache'}", "--report-to", place / "reports", *part,
                        *(f"--ignore={path}" for path in LONGEST if path not in part),
                    ],
                    stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True,
                    preexec_fn=_step_back,  # noqa: PLW1509 - no thread runs yet
                )  # fmt: skip
            self._processes.append((place, process))

    def pytest_runtest_logfinish(self) -> None:
        """Let the system forget those that have ended: tests look through processes, and a dead one tells nothing."""
        for _, process in self._processes:
            process.poll()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Once all others have run, wait for them and hand on their reports."""
        done = yield
        for place, process in self._processes:
            self._take_over(session, place, process.wait())
        return done

    def _take_over(self, session: pytest.Session, place: Path, code: int) -> None:
        reports = place / "reports"
        lines = reports.read_text(encoding="utf-8").splitlines() if reports.exists() else []
        session.testscollected += sum('"when": "setup"' in line for line in lines)
        for line in lines:
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=json.loads(line))
            if isinstance(report.longrepr, list):  # why a test was skipped; JSON knows no tuples
                report.longrepr = tuple(report.longrepr)
            self._config.hook.pytest_runtest_logreport(report=report)
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            said = (place / "said").read_text(encoding="utf-8", errors="replace")
            raise session.Failed(f"a process beside ended with {code}:\n{said[-5000:]}")

    def pytest_unconfigure(self) -> None:
        """Leave neither process nor file behind."""
        running = [process for _, process in self._processes if process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
        self._place.cleanup()

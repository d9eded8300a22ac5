"""The report that `benchmarks.report_page` measures: writes it from a directory, and prints a `ReportRun`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from seawall.report.files import write_reports
from seawall.report.stored import stored_result


class ReportRun(msgspec.Struct, frozen=True):
    """What a report took, from reading the result to the last file."""

    seconds: float
    cpu_s: float
    peak_bytes: int
    """Memory of the whole process at its highest, libraries included."""


def run(directory: Path) -> ReportRun:
    """Write the report of *directory*."""
    begun_s, begun_cpu_s = time.monotonic(), time.process_time()
    write_reports(stored_result(directory), directory)
    return ReportRun(
        seconds=round(time.monotonic() - begun_s, 3),
        cpu_s=round(time.process_time() - begun_cpu_s, 3),
        peak_bytes=_peak_bytes(),
    )


def _peak_bytes() -> int:
    # ru_maxrss would not do: a process inherits that of the one which started it.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError("the kernel does not tell this process's highest memory")


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(Path(sys.argv[1]))))

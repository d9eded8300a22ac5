"""How fast does a CSV file get into the table, directly and through Kafka, beside the database's own COPY?

Import and COPY take turns, A B B A, each on an emptied table; COPY gets the good rows alone, as a clean file, since it
stops at a bad one. An import counts from the opening of its file until its last row is visible.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psycopg

from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.experiments.csv_judgement import LEAST_OF_LOADER, LEAST_PER_S, MOST_BYTES
from seawall.experiments.csv_trial import Imported, import_file
from seawall.experiments.errors import ImportFailed
from seawall.experiments.stream_csv_options import CsvOptions
from seawall.load.csv_sample import COLUMNS, write_sample
from seawall.result.csv_import import DIRECT, KAFKA
from seawall.stack import places
from seawall.stack.csv_tables import load, write_clean
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack
from seawall.stats.trials import geometric_mean

ROWS, QUICK_ROWS = 500_000, 5_000
PAIRS, QUICK_PAIRS = 4, 2
_OTHERS = len(COLUMNS) - 2
_MEGA = 1e6


class Turn(NamedTuple):
    """Rows a second of one import by each way and of one COPY, and the most memory of any process."""

    direct_per_s: float
    kafka_per_s: float
    copy_per_s: float
    memory_bytes: int


class Imports:
    """Imports one file again and again."""

    def __init__(self, stack: Stack, directory: Path, file: Path) -> None:
        self._stack, self._directory, self._file = stack, directory, file
        self._connections = stack.connections
        self._options = CsvOptions(file=file)
        self._number = 0

    def by(self, way: str) -> Imported:
        """Import it by *way*; raises `ImportFailed` where not all rows become visible."""
        with psycopg.connect(self._connections.psycopg_url, autocommit=True) as connection:
            connection.execute("TRUNCATE csv_rows, csv_imports")
            connection.execute("CHECKPOINT")
        self._number += 1
        place = self._directory / f"{self._number:02d}-{way}"
        found = import_file(
            self._stack, self._options, self._file, way, place, anew=True, on_state=lambda _state, _size: None
        )
        if found.visible_ns is None or found.in_table != found.state["good"]:
            raise ImportFailed(f"{way}: {found.in_table:,} of {found.state['good']:,} rows are in the table")
        return found

    def turn(self, clean: Path, *, backwards: bool) -> Turn:
        """Make one turn: import, import and COPY, or the other way round."""
        found: dict[str, Imported] = {}
        copied = 0.0
        steps = [DIRECT, KAFKA, ""]
        for way in reversed(steps) if backwards else steps:
            if way:
                found[way] = self.by(way)
            else:
                rows, seconds = load(self._connections, clean, _OTHERS)
                copied = rows / seconds
        most = max(max(one.memory_bytes.values()) for one in found.values())
        return Turn(_per_s(found[DIRECT]), _per_s(found[KAFKA]), copied, most)

    def write_clean(self, imported: Imported, path: Path) -> None:
        """Write the rows that are in the table as a clean file."""
        write_clean(self._connections, imported.span, COLUMNS[2:], path)


def _per_s(one: Imported) -> float:
    assert one.visible_ns is not None
    return float(one.state["good"] / ((one.visible_ns - one.begins["opened_ns"]) / 1e9))


def figures_of(turns: Sequence[Turn]) -> list[Figure]:
    """Hold both ways against COPY, and the log's against its limit."""
    copy = float(np.median([turn.copy_per_s for turn in turns]))
    direct = geometric_mean(np.array([turn.direct_per_s / turn.copy_per_s for turn in turns]))
    kafka = geometric_mean(np.array([turn.kafka_per_s / turn.copy_per_s for turn in turns]))
    kafka_per_s = float(np.median([turn.kafka_per_s for turn in turns]))
    most = max(turn.memory_bytes for turn in turns)
    return [
        Figure(
            name="rows a second, direct",
            measured=float(np.median([turn.direct_per_s for turn in turns])),
            beside=copy,
            error=f"{direct.estimate:.3f} ({direct.low:.3f} to {direct.high:.3f})",
            asked=f"at least {LEAST_OF_LOADER:g}, its interval included",
            reached=direct.low >= LEAST_OF_LOADER,
        ),
        Figure(
            name="rows a second, through Kafka until visible",
            measured=kafka_per_s,
            beside=copy,
            error=f"{kafka.estimate:.3f} ({kafka.low:.3f} to {kafka.high:.3f})",
            asked=f"at least {LEAST_PER_S:,.0f} a second",
            reached=kafka_per_s >= LEAST_PER_S,
        ),
        Figure(
            name="memory of any process of an import",
            measured=most / _MEGA,
            unit="MB",
            asked=f"below {MOST_BYTES / _MEGA:.0f} MB",
            reached=most < MOST_BYTES,
        ),
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure, print the figures, and return 0 if they are reached."""
    parser = argument_parser("csv", __doc__)
    parser.add_argument("--rows", type=int, help=f"of the file (default {ROWS:,})")
    parser.add_argument("--pairs", type=int, help=f"turns of both imports and COPY (default {PAIRS})")
    asked = parser.parse_args(arguments)
    rows = asked.rows or (QUICK_ROWS if asked.quick else ROWS)
    pairs = max(asked.pairs or (QUICK_PAIRS if asked.quick else PAIRS), 2)
    report = BenchmarkReport(
        benchmark="csv",
        question=f"how fast does a CSV file of {rows:,} rows get into the table?",
        quick=asked.quick,
        beside_name="COPY",
    )
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-csv-") as name:
        directory = Path(name)
        os.environ["SEAWALL_HOME"] = str(directory / "home")
        sample = write_sample(directory / "sample.csv", rows, seed=asked.seed)
        stack = Stack.up(StackOptions(sinks=0), owner="bench csv")
        try:
            imports, clean = Imports(stack, directory, sample.path), directory / "clean.csv"
            imports.write_clean(imports.by(DIRECT), clean)  # a first one that does not count
            turns = [imports.turn(clean, backwards=bool(number % 2)) for number in range(pairs)]
        finally:
            stack.down()
    report.figures = figures_of(turns)
    report.notes = [
        (
            f"{sample.good:,} good rows and {sample.bad:,} bad records, {pairs} turns:"
            " medians, and the geometric mean of the turns' ratios with its 95 % interval."
        ),
        (
            "COPY loads the good rows from a clean file into a table whose key numbers them. An import reads the file"
            " twice, judges every record, names each row by file and line, and notes how far it is."
        ),
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

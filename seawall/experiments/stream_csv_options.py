"""What `stream csv` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contract.csv_rows import WAYS
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero
from seawall.result.csv_import import KAFKA
from seawall.stack.csv_importer import look_at
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.options import StackOptions

LEAST_ROWS, MOST_ROWS = 10, 100_000_000
MOST_BATCH = 1_000_000
SAMPLE_ENCODINGS = {"auto": "utf-8", "utf-8": "utf-8", "utf-16": "utf-16", "cp949": "cp949", "euc-kr": "euc_kr"}
"""In which a sample can be written: those that have the letters of its names."""


@dataclass(frozen=True, kw_only=True)
class CsvOptions:
    """The plan of a run."""

    file: Path | None = None
    """None has a sample made."""
    rows: int = 200_000
    """Of the sample."""
    ways: tuple[str, ...] = WAYS
    encoding: str = "auto"
    delimiter: str = "auto"
    batch_rows: int = 20_000
    anew: bool = False
    """Forget what was imported of the file before the first way begins."""
    loader: bool = True
    """Have the database's own loader take the same rows as well, to compare with."""
    database: str = ""
    brokers: int | None = None
    drain_timeout_s: float = 120.0
    seed: int = 1

    def stack(self) -> StackOptions:
        """Return what a stack for the run looks like; no record needs a sink."""
        return StackOptions(database=self.database, brokers=self.brokers or 1, sinks=0, kafka=KAFKA in self.ways)

    def words(self) -> tuple[str, ...]:
        """Return how the importer is told to read the file."""
        return "--encoding", self.encoding, "--delimiter", self.delimiter

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return {**asdict(self), "file": str(self.file) if self.file else None}

    def validate(self) -> None:
        """Raise `BadOptions` with every mistake found; the file is looked at, too."""
        mistakes = list(self._mistakes())
        if self.file is not None:
            _, wrong = look_at(self.file, self.words())
            mistakes += [wrong] if wrong else []
        if mistakes:
            raise BadOptions(mistakes)

    def _mistakes(self) -> Iterator[str]:
        if not self.ways or len(set(self.ways)) != len(self.ways) or not set(self.ways) <= set(WAYS):
            yield f"--ways: some of {', '.join(WAYS)}, each once"
        if self.file is None:
            if not LEAST_ROWS <= self.rows <= MOST_ROWS:
                yield f"--rows: {self.rows:,} is not between {LEAST_ROWS:,} and {MOST_ROWS:,}"
            if self.encoding not in SAMPLE_ENCODINGS:
                yield f"--encoding: a sample is written in one of {', '.join(SAMPLE_ENCODINGS)}"
            if self.delimiter not in ("auto", "comma", ","):
                yield "--delimiter: a sample has commas"
        if not 1 <= self.batch_rows <= MOST_BATCH:
            yield f"--batch-rows: {self.batch_rows:,} is not between 1 and {MOST_BATCH:,}"
        yield from above_zero("--drain-timeout", self.drain_timeout_s)
        try:
            self.stack().checked()
        except BadStackOptions as error:
            yield f"--database, --brokers: {error}"

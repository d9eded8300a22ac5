"""What `stream csv` concludes: a file's rows in the table, imported directly and through the log."""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Outcome
from seawall.result.second import Reached

CSV = "stream-csv"
"""The experiment."""
DIRECT, KAFKA = "direct", "kafka"
"""The arms: whoever reads the file writes the rows, or the log carries them to a sink that does."""


class CsvFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One import of the file."""

    arm: str
    good: int = 0
    """Rows of the file that can be stored, as the importer counted them; of an import that went on, all of them."""
    bad: int = 0
    """Records of the file that cannot be stored, as the importer counted them."""
    stored: int = 0
    """Rows that this run read and stored; those that were there already, or in the log, are not among them."""
    in_table: int = 0
    """Rows of the file in the table, in the end."""
    in_rejects: int = 0
    """Records in the reject file, in the end."""
    lost: int = 0
    """Good rows of the file that are not in the table."""
    unreported: int = 0
    """Bad records of the file that are not in the reject file."""
    corrupted: int = 0
    """Rows in the table that are not what stands in the file at their line."""
    phantom: int = 0
    """Rows in the table where the file has none."""
    doubled: int = 0
    """Records that are both stored and rejected, or rejected twice."""
    wrongly_rejected: int = 0
    """Good rows that were rejected; the lost ones hold these too."""
    buried: int = 0
    """Messages that the sink could not store."""
    resumed_line: int = 0
    """The line at which an earlier import had stopped and this one went on; 0 for one that began anew."""
    size_bytes: int = 0
    """Of the file."""
    read_as: str = ""
    """Its encoding and delimiter."""
    seconds: float | None = None
    """From the opening of the file until its last row was visible, the pass that identifies it included."""
    rows_per_s: float | None = None
    """Good rows in that time; None where this run did not store all of them, or not all became visible."""
    share_of_loader: float | None = None
    """The same, as a share of what the database's own COPY takes of the same rows."""
    behind_s: float | None = None
    """From when the last row had been read, and acknowledged by the log, until it was visible."""
    memory_bytes: dict[str, int] = {}
    """The most that each process of the import held."""
    cpu_s: dict[str, float] = {}
    """What each of them took of the processors."""
    read: list[Reached] = []
    """How many good rows had been read by when; of those that go through the log, handed to it."""
    visible: list[Reached] = []
    """How many were stored, and visible, by when."""
    rejects: str = ""
    """The reject file, as a path below the results."""
    outcome: Outcome
    reasons: list[str] = []


class LoaderFinding(msgspec.Struct, kw_only=True, frozen=True):
    """The database's own loader, with a clean file of the same rows, into a table with a key."""

    name: str = "COPY"
    rows: int
    seconds: float
    rows_per_s: float

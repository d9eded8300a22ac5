"""What a sweep measures beside the load of its trials: what is left on disk, and what rebalances came to."""

from __future__ import annotations

import msgspec


class PartitionLeft(msgspec.Struct, kw_only=True, frozen=True):
    """What lies on the brokers' disks of one partition, of all that a trial wrote to it."""

    written: int
    """Offsets that the trial took."""
    records: int = 0
    """Left, of the replica that has most."""
    size_bytes: int = 0
    """Of their batches, in all replicas together."""
    segments: int = 0


class DiskFigures(msgspec.Struct, kw_only=True, frozen=True):
    """What is left on disk of a trial's records once the log has been drained, audited and tidied up."""

    written: int
    """Offsets that the trial took, those of records that were written once more included."""
    rewritten: int = 0
    """Records that were written once more after the audit, so that a compaction has something to remove."""
    records: int = 0
    size_bytes: int = 0
    """As in `PartitionLeft`, over all partitions."""
    segments: int = 0
    allocated_bytes: int = 0
    """Disk that the partitions' directories take, indexes and files that are not removed yet included."""
    at_rest: bool = True
    """Whether it came to stay the same; else it is how far the brokers were when the time was up."""
    settled_s: float = 0.0
    """How long it took until it did."""
    partitions: dict[str, PartitionLeft] = {}
    """By ``topic[partition]``."""

    @property
    def bytes_per_record(self) -> float | None:
        """Bytes left for each record that was written, a millionth at least so that ratios exist; None without any."""
        return max(self.size_bytes / self.written, 1e-6) if self.written else None

    @property
    def share(self) -> float | None:
        """The share of the records that is left; None where none was written."""
        return self.records / self.written if self.written else None


class RebalanceFigures(msgspec.Struct, kw_only=True, frozen=True):
    """What one disturbance of the sinks' group came to, until the next one or the trial's end."""

    what: str
    """``join``, ``leave`` or ``kill``; ``before`` is the time before the first, for comparison."""
    sink: str = ""
    at_s: float = 0.0
    """From the schedule's start."""
    partitions: int = 0
    """Those in which records became visible in that time."""
    stopped: int = 0
    """Those of which nothing was consumed for half a second or longer although a record lay there."""
    longest_stop_ms: float | None = None
    """The longest time for which nothing of a partition was consumed although a record lay there."""
    median_stop_ms: float | None = None
    """The median of the partitions' longest."""
    visible_p95_ms: float | None = None
    visible_max_ms: float | None = None
    """Visible delay of the records whose rows appeared in that time."""
    read_again: int = 0
    """Records whose row was there already when a sink read them."""

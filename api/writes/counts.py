"""What one write path counts of its own work, in plain integers."""

from __future__ import annotations

from contract.histogram import Durations, Histogram


class PathCounts:
    """Stages of a path's requests or batches, sizes of its batches, and who was refused."""

    def __init__(self, *stages: str, batches: Histogram | None = None) -> None:
        self.stages = {stage: Durations() for stage in stages}
        """How long each stage took, by its name; empty where nobody asked."""
        self.batches = batches
        """Records of each batch, where the path has any."""

"""Errors of reports.

ReportError
 ├─ NoResult           the directory holds no result of ours, or a broken one
 ├─ NewerResult        a later version wrote it
 ├─ BrokenColumns      raw columns beside the result cannot be read
 ├─ NoPicture          the run holds nothing that the picture shows
 └─ NotComparable      two results differ in more than what was measured; holds every difference
"""


class ReportError(Exception):
    """Something that keeps a report from being made."""


class NoResult(ReportError):
    """The directory holds no result of ours, or a broken one."""


class NewerResult(ReportError):
    """A later version wrote it."""


class BrokenColumns(ReportError):
    """Raw columns beside the result cannot be read."""


class NoPicture(ReportError):
    """The run holds nothing that the picture shows."""


class NotComparable(ReportError):
    """Two results differ in more than what was measured."""

    def __init__(self, differences: list[str], advice: str) -> None:
        lines = "".join(f"\n  {difference}" for difference in differences)
        super().__init__(f"these runs differ in more than what was measured; {advice}:{lines}")
        self.differences = differences

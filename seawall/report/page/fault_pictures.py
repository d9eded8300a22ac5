"""The course of each trial with a fault: what clients saw before, meanwhile and afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.page.moment_pictures import Stretch, moment_pictures
from seawall.report.page.pictures import Picture, kind_of
from seawall.result import Result


def fault_pictures(result: Result) -> Iterator[Picture]:
    """Yield two charts a fault whose course is known: times, and rates with the lag."""
    for finding in result.faults:
        if finding.moments:
            stretch = Stretch(
                finding.name, finding.moments, finding.begin_s, finding.end_s, "fault", kind_of(result, finding.arm)
            )
            yield from moment_pictures(
                stretch,
                f"{finding.does[:1].upper()}{finding.does[1:]}.",
                finding.bit or "Nothing shows that it had effect.",
            )

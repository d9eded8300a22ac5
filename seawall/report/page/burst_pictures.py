"""The course of each trial with a burst."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.burst_words import in_words
from seawall.report.page.moment_pictures import Stretch, moment_pictures
from seawall.report.page.pictures import Picture, kind_of
from seawall.result import Result


def burst_pictures(result: Result) -> Iterator[Picture]:
    """Yield two charts a path: times, and rates with the lag."""
    for finding in result.bursts:
        if finding.moments:
            stretch = Stretch(
                finding.arm, finding.moments, finding.begin_s, finding.end_s, "burst", kind_of(result, finding.arm)
            )
            rates = (
                f"{finding.base_per_s:,.0f} a second, {finding.burst_per_s:,.0f} in the burst, by what was due when."
            )
            said = in_words(finding)
            yield from moment_pictures(stretch, f"{said[:1].upper()}{said[1:]}.", rates)

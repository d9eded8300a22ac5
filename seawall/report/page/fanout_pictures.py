"""The same records for many groups in pictures: what storing keeps, and how each group comes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.report.page.chart import Chart, room_for
from seawall.report.page.course_chart import Line, course_chart
from seawall.report.page.pictures import KINDS, Picture, kind_of
from seawall.report.page.scales import Linear
from seawall.result import Result
from seawall.result.fanout import FANOUT, PLAIN, FanoutFinding

_ASKED = 0.8
_WHOLE = 100.0


def is_fanout(result: Result) -> bool:
    """Tell whether *result* is one of many groups."""
    return result.experiment == FANOUT


def fanout_pictures(result: Result) -> Iterator[Picture]:
    """Yield what storing keeps beside so many groups, and the course of each trial with the most of them."""
    told = [one for one in result.fanout if one.what == PLAIN and one.store_kept is not None]
    if told:
        yield Picture(
            "What storing keeps",
            _kept(result, told).svg(),
            "Of the rows a second that it stores alone: solid as they are, dashed for each processor second of sinks"
            " and database, which does not fall where groups only share the machine.",
        )
    most = max((one.count for one in result.fanout), default=0)
    for finding in result.fanout:
        lines = list(_courses(finding))
        if (finding.what != PLAIN or finding.count == most) and finding.count > 1 and lines:
            title = f"{finding.arm}, {finding.count} groups, {finding.what}"
            tells = "A line a group: how many records it had done by when."
            yield Picture(
                title,
                course_chart(title, tells, lines, "records done", since="from the first sending").svg(),
                "A second group of a kind is dashed. A group that is slow or late bends its own line; where it holds up"
                " others, theirs bend with it.",
            )


def _kept(result: Result, told: Sequence[FanoutFinding]) -> Chart:
    arms = list(dict.fromkeys(one.arm for one in told))
    most = max(one.count for one in told)
    highest = max(share for one in told for share in (one.store_kept, one.store_kept_per_cpu_s, 1.0) if share)
    chart = Chart(
        "What storing keeps",
        "A line a way: the storing group's throughput beside so many groups, as a share of what it has alone.",
        Linear(most * 1.05, wanted=most), Linear(highest * _WHOLE * 1.08), "groups, that which stores included",
        "per cent of what it stores alone", right=room_for(arms),
    )  # fmt: skip
    chart.limit(_ASKED * _WHOLE, "80 % asked for")
    for arm in arms:
        kind, mine = kind_of(result, arm), [one for one in told if one.arm == arm]
        kept = [(float(one.count), (one.store_kept or 0.0) * _WHOLE) for one in mine]
        per_cpu = [(float(one.count), one.store_kept_per_cpu_s * _WHOLE) for one in mine if one.store_kept_per_cpu_s]
        chart.line([(1.0, _WHOLE), *per_cpu], kind, dashed=True)
        chart.line([(1.0, _WHOLE), *kept], kind, name=arm)
        for count, share in kept:
            chart.point(count, share, kind, f"{arm}, {count:.0f} groups: {share:.0f} %")
        for count, share in per_cpu:
            says = f"{arm}, {count:.0f} groups: {share:.0f} % for the same processor time"
            chart.point(count, share, kind, says, mark="square", faint=True)
    return chart


def _courses(finding: FanoutFinding) -> Iterator[Line]:
    """Yield a line for each group that came on; a second group of a kind is dashed."""
    kinds = list(dict.fromkeys(one.kind for one in finding.groups))
    seen: list[str] = []
    for one in finding.groups:
        if one.course:
            again = one.kind in seen
            points = [(moment.at_s, float(moment.done)) for moment in one.course]
            yield Line("" if again else one.kind, f"arm-{kinds.index(one.kind) % KINDS}", points, dashed=again)
            seen.append(one.kind)

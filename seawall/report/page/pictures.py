"""The report's charts, each made from a result and its raw material."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from seawall.report.experiment_names import PLAIN, SOAK
from seawall.report.material import CURVE, ArmMaterial, Course, Floats
from seawall.report.page.chart import MARKS, Chart, room_for
from seawall.report.page.scales import Linear, Percentile, linear, logarithmic
from seawall.report.page.scaling_chart import scaling_chart
from seawall.result import JudgedTarget, Result, Trial

Material = dict[str, ArmMaterial]
KINDS = 8
"""So many colours the style sheet holds."""
VISIBLE = "visible"
"""At the end of a dashed line, in the colour of its arm."""


@dataclass(frozen=True)
class Picture:
    """A chart with what it says above and beneath it."""

    heading: str
    svg: str
    reading: str
    """How to read it, in a sentence or two."""


def kind_of(result: Result, arm: str) -> str:
    """Return the style class of an arm."""
    return f"arm-{[one.name for one in result.arms].index(arm) % KINDS}"


def mark_of(result: Result, arm: str) -> str:
    """Return the shape of an arm's marks."""
    place = [one.name for one in result.arms].index(arm)
    return MARKS[(place + place // KINDS) % len(MARKS)]


def pictures(result: Result, material: Material) -> Iterator[Picture]:
    """Yield the charts that there is something for, in the order of the page."""
    makers: tuple[Callable[[Result, Material], Picture | None], ...] = (
        scaling, throughput, distribution, break_even, rate, response, visible, backlog, processors,
    )  # fmt: skip
    if result.experiment in PLAIN:  # one run of one service: nothing to hold against anything
        looked = any(trial.audited for trial in result.trials)
        makers = (distribution, rate, response, visible, backlog) if looked else (distribution, answers, response)
    if result.experiment == SOAK:
        makers = (memory, segments)
    for make in makers:
        picture = make(result, material)
        if picture is not None:
            yield picture


def scaling(result: Result, _: Material) -> Picture | None:
    """Return the law of a scale-out, or its points alone."""
    chart = scaling_chart(result.scaling[0]) if result.scaling else None
    if chart is None:
        return None
    return Picture(
        "What more would carry",
        chart.svg(),
        "A mark a trial, hollow where it is no part of the law; the line is the law with its 95 % band, broken beyond"
        " what was measured. All of it is projected to a core each from the processor time that a record took.",
    )


def throughput(result: Result, _: Material) -> Picture | None:
    """Return achieved rate against p95, a mark a trial, with the interval of each."""
    trials = [t for t in result.trials if t.kind == "load" and t.achieved_per_s and t.response_ms.p95]
    if not trials:
        return None
    limit = p95_limit(result)
    heights = [t.response_ms.p95 or 0.0 for t in trials] + ([limit.number] if limit else [])
    offered = [t.offered_per_s for t in trials if t.offered_per_s]
    chart = Chart(
        "Throughput against response time",
        "Each mark is a trial: how many records a second it made visible, and the p95 of its response time.",
        linear([t.achieved_per_s or 0.0 for t in trials] + offered), logarithmic(heights),
        "records made visible, per second", "response p95, ms",
    )  # fmt: skip
    if limit:
        chart.limit(limit.number, limit.says)
    if len(set(offered)) == 1:
        chart.upright(offered[0], "offered")
    for trial in trials:
        x, y = trial.achieved_per_s or 0.0, trial.response_ms.p95 or 0.0
        kind, mark = kind_of(result, trial.arm), mark_of(result, trial.arm)
        low, high = trial.response_ms.p95_low, trial.response_ms.p95_high
        if low is not None and high is not None:
            chart.whisker((x, x), (low, high), kind)
        invalid = f" (invalid: {trial.invalid_because[0]})" if trial.invalid_because else ""
        chart.point(x, y, kind, f"{trial.name}: {x:,.0f}/s, p95 {y:,.1f} ms{invalid}", mark=mark, faint=bool(invalid))
    return Picture(
        "How much, how fast",
        chart.svg(),
        "Right and low is good. A mark a trial; the line through it is the 95 % interval of its p95, where the run is"
        " long enough to give one. Response time counts from the moment at which the request was due.",
    )


def distribution(result: Result, material: Material) -> Picture | None:
    """Return the distribution of response time and visible delay of each arm, on an axis of percentiles."""
    arms = {name: one for name, one in material.items() if one.response_ms is not None}
    if not arms:
        return None
    nines = max(one.nines for one in arms.values())
    scale = Percentile(min(0.9999, nines))
    limit = p95_limit(result)
    curves = [curve for one in arms.values() for curve in (one.response_ms, one.visible_ms) if curve is not None]
    told = scale.most >= CURVE
    values = [float(value) for curve in curves for value in curve[told]]
    chart = Chart(
        "Distribution of response time and visible delay",
        "Solid lines are response times, dashed ones the delay until the record is visible.",
        scale, logarithmic(values + ([limit.number] if limit else [])),
        "per cent of requests that were at least as fast", "time, ms", right=room_for([*arms, VISIBLE]),
    )  # fmt: skip
    if limit:
        chart.limit(limit.number, limit.says)
    for name, one in arms.items():
        kind = kind_of(result, name)
        here = told & (max(one.nines, 0.5) >= CURVE)
        if one.visible_ms is not None and not _equal(one.visible_ms, one.response_ms):
            chart.line(_points(CURVE[here], one.visible_ms[here]), kind, dashed=True, name=VISIBLE)
        if one.response_ms is not None:
            chart.line(_points(CURVE[here], one.response_ms[here]), kind, name=name)
    samples = ", ".join(f"{name} {one.samples:,}" for name, one in arms.items())
    ends = (
        " Solid lines end with the answer, dashed ones when the row is visible; on sync and grouped that is the same."
    )
    return Picture(
        "The whole distribution",
        chart.svg(),
        f"All judged requests of all valid trials ({samples}), counted from when each was due. Each step to the right"
        " leaves a tenth of the requests; lines end where fewer than ten are left."
        + (ends if any(trial.audited for trial in result.trials) else ""),
    )


def break_even(result: Result, _: Material) -> Picture | None:
    """Return how the time for a number of records relates to that of the first path, over that number."""
    rows = [r for r in result.comparisons if r.kind == "data" and r.metric == "duration_s" and r.ratio and r.count]
    base = result.arms[0].name if result.arms else ""
    rows = [row for row in rows if row.base == base]
    if not rows:
        return None
    ends = [end for row in rows for end in (row.ratio, row.ci_low, row.ci_high) if end]
    chart = Chart(
        f"Time for equal records, against {base}",
        f"Below 1 an arm is quicker than {base}; upright lines are 95 % intervals.",
        logarithmic([float(row.count or 1) for row in rows]), logarithmic([*ends, 1.0]),
        "records sent as fast as they are answered", f"time, {base} = 1", right=room_for(row.arm for row in rows),
    )  # fmt: skip
    chart.limit(1.0, f"as long as {base}")
    entities = list(dict.fromkeys(row.entity for row in rows))
    arms = list(dict.fromkeys(row.arm for row in rows))
    for place, (arm, entity) in enumerate((arm, entity) for arm in arms for entity in entities):
        mine = sorted((row for row in rows if (row.arm, row.entity) == (arm, entity)), key=lambda row: row.count or 0)
        kind, shift = kind_of(result, arm), 1.0 + 0.03 * (place - len(arms) * len(entities) / 2)
        for row in mine:
            x = float(row.count or 1) * shift
            if row.ci_low and row.ci_high:
                chart.whisker((x, x), (row.ci_low, row.ci_high), kind)
            says = f"{row.count:,} {entity}: {arm} takes {row.ratio:.2f} times as long as {base} ({row.says})"
            chart.point(x, row.ratio or 1.0, kind, says, mark=mark_of(result, arm), faint=row.ci_low is None)
        last = entity == entities[-1]
        chart.line(
            [(float(row.count or 1) * shift, row.ratio or 1.0) for row in mine],
            kind,
            thin=True,
            name=arm if last else "",
        )
    return Picture(
        "From how many records on",
        chart.svg(),
        f"The time until the last of so many records is visible, as a multiple of {base}'s; one line for each of"
        f" {', '.join(entities)}. An interval that holds 1 shows no difference.",
    )


def rate(result: Result, material: Material) -> Picture | None:
    """Return the records made visible, per second, over time."""
    return _over_time(result, material, "Rate over time", "records/s made visible", lambda c: c.rate_per_s, floor=True)


def answers(result: Result, material: Material) -> Picture | None:
    """Return the requests answered with success, per second, over time, where nobody looked for rows."""
    return _over_time(result, material, "Rate over time", "requests/s answered", lambda c: c.rate_per_s, floor=True)


def response(result: Result, material: Material) -> Picture | None:
    """Return the p95 of the response time over time."""
    return _over_time(result, material, "Response time over time", "response p95, ms", lambda c: c.response_p95_ms)


def visible(result: Result, material: Material) -> Picture | None:
    """Return the p95 of the visible delay over time."""
    return _over_time(result, material, "Visible delay over time", "visible p95, ms", lambda c: c.visible_p95_ms)


def backlog(result: Result, material: Material) -> Picture | None:
    """Return the records accepted and not yet visible, over time."""
    return _over_time(
        result, material, "Consumer lag over time", "accepted, not visible", lambda c: c.backlog, floor=True
    )


def processors(result: Result, material: Material) -> Picture | None:
    """Return the cores that all servers of an arm used, over time."""

    def cores(course: Course) -> Floats:
        total = np.zeros(len(course.at_s))
        for name, (at_s, used) in course.cpu_s_per_s.items():
            if name != "load":
                total += np.interp(course.at_s, at_s, used)
        return total if course.cpu_s_per_s else np.full(len(course.at_s), math.nan)

    return _over_time(result, material, "Processor use over time", "cores, all servers", cores, floor=True)


def memory(_: Result, material: Material) -> Picture | None:
    """Return the memory of each process over a soak."""
    series = {name: points for one in material.values() for name, points in one.memory.items()}
    if not series:
        return None
    end = max(float(at_s[-1]) for at_s, _ in series.values()) / 60
    chart = Chart(
        "Memory over time", "A line for each process: its resident memory, in megabytes.",
        Linear(end or 1.0), logarithmic([float(used) for _, found in series.values() for used in found]),
        "minutes since the soak began", "resident memory, MB", right=room_for(series),
    )  # fmt: skip
    for place, (name, (at_s, used)) in enumerate(series.items()):
        chart.line(_points(at_s / 60, used), f"arm-{place % KINDS}", name=name)
    return Picture(
        "Memory over time",
        chart.svg(),
        "Medians of readings a second apart, only while the load ran. What database, brokers and cache hold grows with"
        " what they keep; generator, API and sinks should be level after the warm-up.",
    )


def segments(result: Result, _: Material) -> Picture | None:
    """Return the p95 of response time and visible delay of each segment of a soak."""
    trials = {trial.name: trial for trial in result.trials}
    rows = [(segment.at_s / 60, trials[segment.trial]) for segment in result.segments]
    response = [(at, trial.response_ms.p95) for at, trial in rows if trial.response_ms.p95]
    delays = [(at, trial.visible_ms.p95) for at, trial in rows if trial.visible_ms.p95]
    if not response:
        return None
    limit = p95_limit(result)
    chart = Chart(
        "Response time and visible delay over the segments", "Solid is the response time, dashed the visible delay.",
        Linear(max(at for at, _ in rows) or 1.0),
        logarithmic([figure for _, figure in response + delays] + ([limit.number] if limit else [])),
        "minutes since the soak began", "p95, ms", right=room_for([VISIBLE, "response"]),
    )  # fmt: skip
    if limit:
        chart.limit(limit.number, limit.says)
    kind = kind_of(result, result.arms[0].name)
    if [figure for _, figure in delays] != [figure for _, figure in response]:
        chart.line(delays, kind, dashed=True, name=VISIBLE)
    chart.line(response, kind, name="response")
    return Picture(
        "Response time over the segments", chart.svg(), "A point a segment: the p95 of its judged time, warm-ups too."
    )


def _over_time(
    result: Result,
    material: Material,
    title: str,
    label: str,
    figure: Callable[[Course], Floats],
    *,
    floor: bool = False,
) -> Picture | None:
    """Return one figure over the time of all trials: thin lines are trials, thick ones their median."""
    series = {name: [(c, figure(c)) for c in one.courses] for name, one in material.items()}
    values = [float(v) for trials in series.values() for _, figures in trials for v in figures if math.isfinite(v)]
    if not values:
        return None
    courses = [course for trials in series.values() for course, _ in trials]
    end = max(float(course.at_s[-1] * 2 - course.at_s[-2]) if len(course.at_s) > 1 else 1.0 for course in courses)
    chart = Chart(
        title, "Thin lines are trials, thick ones the median of an arm's trials.",
        Linear(end), linear(values) if floor else logarithmic(values),
        "seconds since the schedule began", label, right=room_for(series if len(series) > 1 else ()),
    )  # fmt: skip
    chart.shade(0.0, max(course.warmup_s for course in courses), "warm-up")
    for name, trials in series.items():
        kind = kind_of(result, name)
        for course, figures in trials:
            chart.line(_finite(course.at_s, figures), kind, thin=True)
        grid = max((course.at_s for course, _ in trials), key=len)
        all_of_it = np.array([np.interp(grid, *_known(course.at_s, figures)) for course, figures in trials])
        chart.line(_finite(grid, np.median(all_of_it, axis=0)), kind, name=name if len(series) > 1 else "")
    return Picture(title, chart.svg(), "Thin lines are trials, thick ones an arm's median. The warm-up is not judged.")


@dataclass(frozen=True)
class _Limit:
    number: float
    says: str


def p95_limit(result: Result) -> _Limit | None:
    """Return the target of the response time, where one was judged."""
    rows: list[JudgedTarget] = [row for row in result.targets if row.metric == "response_p95_ms"]
    if len({row.limit for row in rows}) != 1:  # scopes with limits of their own have none in common
        return None
    row = rows[0]
    number = float("".join(sign for sign in row.limit if sign.isdigit() or sign == "."))
    number *= 1000 if row.limit.endswith(" s") else 1
    return _Limit(number, f"target: p95 {row.limit}")


def cost_rows(result: Result) -> list[tuple[str, list[tuple[str, float]]]]:
    """Return, for each arm, the processor seconds of each process for 1,000 stored rows, dearest arm's order."""
    found = []
    for arm in result.arms:
        trials = [t for t in result.trials if t.arm == arm.name and t.kind == "load" and t.audit.stored and t.cpu_s]
        rows = sum(trial.audit.stored for trial in trials)
        names = dict.fromkeys(name for trial in trials for name in trial.cpu_s)
        if rows:
            spent = [(name, sum(_cpu(trial, name) for trial in trials) / rows * 1_000) for name in names]
            found.append((arm.name, spent))
    return found


def _cpu(trial: Trial, name: str) -> float:
    return trial.cpu_s.get(name, 0.0)


def _points(x: Floats, y: Floats) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]


def _finite(x: Floats, y: Floats) -> list[tuple[float, float]]:
    return [point for point in _points(x, y) if math.isfinite(point[1])]


def _known(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    known = np.isfinite(y)
    return (x[known], y[known]) if known.any() else (x, np.zeros(len(x)))


def _equal(first: Floats, second: Floats | None) -> bool:
    return second is not None and bool(np.allclose(first, second, rtol=1e-3))

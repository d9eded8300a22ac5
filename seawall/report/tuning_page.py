"""The tables of docs/tuning.md: all knobs out of the catalogue, and what stored runs of `tune` measured of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from seawall.report.effect_tables import METRICS, alias_words
from seawall.report.experiment_names import TUNE
from seawall.report.figures import NOTHING, figure
from seawall.report.tune_tables import NOTHING_SHOWN
from seawall.result import ArmComparison, EffectFinding, Outcome, Result
from seawall.tuning.catalogue import full_name
from seawall.tuning.knob import Knob, Place, as_text

BUSY = 2.0
"""So many waiting for each core when a run began, and its figures are provisional: it shared the machine."""
_SECTIONS = {
    Place.API: "API",
    Place.PRODUCER: "producer",
    Place.CONSUMER: "consumer",
    Place.SINK: "sink",
    Place.TOPIC: "topic",
    Place.BROKER: "broker",
    Place.STACK: "stack",
}
_KNOBS = ("knob", "of the", "default", "here", "in Java", "range", "safe?", "means")
_BAR = r"\|"
_EFFECTS = ("run", "knob", "levels")

Stored = Sequence[tuple[str, Result]]
"""Results with the names of their directories."""


def regenerated(page: str, knobs: Iterable[Knob], stored: Stored) -> str:
    """Return *page* with what stands between its markers made anew; raises `ValueError` where a pair is missing."""
    for name, made in (("knobs", knob_lines(knobs)), ("effects", effect_lines(stored))):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"the page has to hold {begin!r} and {end!r} once each")
        before, _, rest = page.partition(begin)
        page = "\n".join((f"{before}{begin}", "", *made, "", f"{end}{rest.partition(end)[2]}"))
    return page


def knob_lines(knobs: Iterable[Knob]) -> Iterator[str]:
    """Yield the table of all knobs, a line each."""
    yield from _head(_KNOBS)
    for knob in knobs:
        yield _line(
            _code(full_name(knob)),
            _SECTIONS[knob.place],
            _code(as_text(knob.default)),
            _code(as_text(knob.shipped)),
            NOTHING if knob.java is None else as_text(knob.java),
            _range(knob),
            f"not always: {knob.unsafe}" if knob.unsafe else "yes",
            knob.means,
        )


def effect_lines(stored: Stored) -> Iterator[str]:
    """Yield the table of measured effects, a line a knob and level, and below it on which machine each run was made."""
    runs = [(name, result) for name, result in stored if result.experiment == TUNE]
    yield from _head((*_EFFECTS, *METRICS.values()))
    for name, result in runs:
        for row in (*_swept(result), *_planned(result), *_sought(result)):
            yield _line(_code(name), *row)
    yield ""
    yield from (f"* {_code(name)}: {_machine(result)}" for name, result in runs)


def _swept(result: Result) -> Iterator[tuple[str, ...]]:
    """Yield each level of one knob against the base."""
    rows = [row for row in result.comparisons if row.kind == "load" and row.metric in METRICS]
    knob = str(result.options.get("knob", ""))
    for base, arm in dict.fromkeys((row.base, row.arm) for row in rows):
        here = {row.metric: row for row in rows if (row.base, row.arm) == (base, arm)}
        levels = [name.partition("=")[2] or name for name in (base, arm)]
        yield _code(knob), " to ".join(levels), *(_effect(here.get(metric)) for metric in METRICS)


def _planned(result: Result) -> Iterator[tuple[str, ...]]:
    """Yield each knob of a plan, and those interactions of two that were shown."""
    rows = {(tuple(row.factors), row.metric): row for row in result.effects}
    for factors in dict.fromkeys(tuple(row.factors) for row in result.effects):
        here = {metric: row for metric in METRICS if (row := rows.get((factors, metric))) is not None}
        one = next(iter(here.values()))
        if len(factors) > 1 and not any(row.significant for row in here.values()):
            continue
        aliases = f" ({alias_words(one)})" if alias_words(one) else ""
        name = " x ".join(map(_code, one.factors)) + aliases
        yield name, "; ".join(one.levels), *(_effect(here.get(metric)) for metric in METRICS)


def _sought(result: Result) -> Iterator[tuple[str, ...]]:
    """Yield what a search found against its base, where it came to fresh trials."""
    found = result.search
    if found is None or not found.arm:
        return
    word = _words(found.ratio, found.ci_low, found.ci_high, shown=found.better)
    settings = ", ".join(
        f"{_code(name)}={as_text(value)}" for table in found.settings.values() for name, value in table.items()
    )
    cells = (word if metric == found.metric else NOTHING for metric in METRICS)
    yield f"searched for {found.goal}", settings, *cells


def _effect(row: ArmComparison | EffectFinding | None) -> str:
    if row is None:
        return NOTHING
    return _words(row.ratio, row.ci_low, row.ci_high, shown=row.significant)


def _words(ratio: float | None, low: float | None, high: float | None, *, shown: bool) -> str:
    if ratio is None or low is None or high is None:
        return "too few valid trials"
    interval = f"({figure(low)} to {figure(high)})"
    return f"**{figure(ratio)}** {interval}" if shown else f"{NOTHING_SHOWN} {interval}"


def _machine(result: Result) -> str:
    """Return the load, how many trials counted, and the machine with its doubts."""
    machine, options = result.environment, result.options
    cores, waiting = machine.get("cores"), machine.get("load_average")
    valid = sum(trial.outcome is Outcome.PASS for trial in result.trials)
    rate = options.get("users", 0) * options.get("rate_per_s", 0.0)
    trials = f"{valid} valid of {len(result.trials)} trials of {options.get('duration_s', 0):g} s"
    said = [
        f"{result.started_at[:10]}, {rate:,.0f} writes a second, {trials}",
        f"{machine.get('cpu', 'unknown processor')}, {cores or '?'} cores",
    ]
    if cores and waiting is not None and waiting > BUSY * cores:
        said.append(f"**provisional**, as the machine did other work: {waiting:g} waited for a core when it began")
    return "; ".join(said) + "."


def _range(knob: Knob) -> str:
    if knob.choices is not None:
        return ", ".join(map(_code, map(as_text, knob.choices)))
    assert knob.range is not None
    low, high = knob.range
    return f"{low:,} to {high:,}"


def _head(names: Sequence[str]) -> Iterator[str]:
    yield _line(*names)
    yield f"|{'|'.join('---' for _ in names)}|"


def _line(*cells: str) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', _BAR).split()) for cell in cells)} |"


def _code(name: str) -> str:
    return f"`{name}`"

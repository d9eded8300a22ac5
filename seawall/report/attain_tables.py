"""The tables of a run through the stages, on the console: what was attained, and what it took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.markup import escape
from rich.table import Table

from seawall.report.table_styles import NOTHING, number, styled_table
from seawall.report.verdicts import COLORS
from seawall.result import JudgedTarget, Outcome, Result, Trial
from seawall.targets.limit import Operator, limit_of, read_limit
from seawall.targets.metrics import METRICS, Scope

_MIB = 1 << 20
_ATTAINED = {Operator.ABOVE, Operator.AT_LEAST}


def attain_tables(result: Result, style: str) -> list[Table]:
    """Return what each stage attained, and what its trials took of the machine, path after path."""
    return [
        table
        for arm in result.arms
        for table in (
            _attainment(result, arm.name, style),
            _loads(result, arm.name, style),
            *_use(result, arm.name, style),
            *_lookups(result, arm.name, style),
        )
    ]


def bottleneck_lines(result: Result) -> Iterator[str]:
    """Yield a line for each stage that did not pass: what was at its limit, and what to try."""
    for stage in result.stages:
        if stage.bottleneck:
            said = f"bottleneck: {escape(stage.bottleneck)}. To try: {escape(stage.advice)}."
            yield f"{stage.arm} {stage.stage}/s: {said}"


def attained(row: JudgedTarget) -> float | None:
    """Return how much of its limit a target reached: 1 or more keeps to it; None where that is no ratio.

    For what has to stay below a limit, it is the limit's share of the measured figure.
    """
    limit = limit_of(METRICS[row.metric], read_limit(row.limit))
    if row.measured is None:
        return None
    if limit.operator in _ATTAINED:
        return row.measured / limit.number if limit.number else None
    return limit.number / row.measured if row.measured and limit.number else None


def shown(row: JudgedTarget) -> str:
    """Return the measured figure in the unit of its metric."""
    return NOTHING if row.measured is None else METRICS[row.metric].unit.show(float(f"{row.measured:.5g}"))


def _attainment(result: Result, arm: str, style: str) -> Table:
    stages = [stage for stage in result.stages if stage.arm == arm]
    table = styled_table(f"{arm}: every stage against its targets ({result.arm(arm).durability})", style)
    for name in ("stage /s", "target", "measured", "limit", "attained", "verdict"):
        table.add_column(name, justify="right" if name in ("measured", "limit", "attained") else "left")
    for stage in stages:
        if stage.outcome is None:
            table.add_row(stage.stage, "not run")
        for place, row in enumerate(stage.targets):
            reason = "" if row.outcome in (Outcome.PASS, Outcome.FAIL) else f": {escape(row.reason)}"
            table.add_row(
                stage.stage if not place else "",
                escape(row.name),
                shown(row),
                row.limit,
                attained_words(row),
                f"[{COLORS[row.outcome]}]{row.outcome.value}[/]{reason}",
            )
        table.add_section()
    return table


def attained_words(row: JudgedTarget) -> str:
    """Return the per cent attained, 100 at most: beyond its limit a target is held, and no more."""
    share = attained(row)
    if share is None:
        return {Outcome.PASS: "100 %", Outcome.FAIL: "0 %"}.get(row.outcome, NOTHING)
    return f"{min(1.0, share):.1%}".replace("%", " %").replace(".0 ", " ")


def _loads(result: Result, arm: str, style: str) -> Table:
    table = styled_table(f"{arm}: every trial, offered 1 % above the stage's upper end", style)
    for name in (
        "trial", "users", "offered\n/s", "writes\nvisible /s", "p50\nms", "p95\nms", "p99\nms", "visible\np95 ms",
        "4xx", "5xx", "no answer\nor unsent", "seconds\navailable", "lost",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name == "trial" else "right")
    table.add_column("")
    for trial in _trials(result, arm):
        response = trial.response_ms
        table.add_row(
            trial.name,
            f"{trial.users:,}",
            number(trial.offered_per_s, 0),
            number(trial.achieved_per_s, 0),
            *(number(value, 1) for value in (response.p50, response.p95, response.p99, trial.visible_ms.p95)),
            _ratio(trial.status_4xx, trial),
            _ratio(trial.status_5xx, trial),
            _ratio(trial.no_answer + trial.unsent, trial),
            f"{trial.windows_available} of {trial.windows}",
            f"{trial.audit.lost:,}",
            f"[{COLORS[trial.outcome]}]{trial.outcome.value}[/]"
            + "".join(f": {escape(why)}" for why in trial.reasons[:1]),
        )
        for name in filter(trial.scopes.__contains__, Scope):
            part = trial.scopes[name]
            times = part.response_ms
            failed = _ratio(part.failed, trial, part.requests + part.unsent)
            table.add_row(
                f"  {name}", "", number(part.requests / (trial.duration_s or 1.0), 0), "",
                *(number(value, 1) for value in (times.p50, times.p95, times.p99)), "", "", "", failed, "", "",
                "failed or unsent" if part.failed else "",
            )  # fmt: skip
    return table


def _use(result: Result, arm: str, style: str) -> Iterator[Table]:
    trials = [trial for trial in _trials(result, arm) if trial.cpu_s]
    if not trials:
        return
    table = styled_table(f"{arm}: what each process took, on average over a stage's trials", style)
    for name in ("stage /s", "process", "cores", "CPU s", "memory MiB", "written MiB", "switches /s", "GCs"):
        table.add_column(name, justify="left" if name in ("stage /s", "process") else "right")
    for stage in result.stages:
        mine = [trial for trial in trials if trial.name in stage.trials]
        for place, row in enumerate(_processes(mine)):
            table.add_row(stage.stage if not place else "", *row)
        if mine:
            received = sum(trial.network_bytes.get("machine", 0) for trial in mine) / len(mine) / _MIB
            table.add_row("", f"the machine received {received:,.0f} MiB from the network, its own included")
            table.add_section()
    yield table


def _lookups(result: Result, arm: str, style: str) -> Iterator[Table]:
    trials = [(trial, trial.lookups) for trial in _trials(result, arm) if trial.lookups and trial.lookups.lookups]
    if not trials:
        return
    whose = "times in the API, those of an HTTP cache as its clients see them"
    table = styled_table(f"{arm}: lookups, those of writes and of the warm-up included; {whose}", style)
    for name in (
        "trial", "lookups", "hit\nrate", "database\nqueries /min", "queries\nsaved",
        "HTTP cache\np99 ms", "memory\np99 ms", "Valkey\np99 ms", "database\np99 ms", "nobody\ncould tell",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name == "trial" else "right")
    for trial, lookups in trials:
        levels = lookups.levels
        table.add_row(
            trial.name,
            f"{lookups.lookups:,}",
            share(lookups.hit_rate),
            number(lookups.queries_per_min, 0),
            share(lookups.saved),
            *(
                number(levels[level].p99_ms, digits) if level in levels else NOTHING
                for level, digits in (("http-cache", 2), ("memory", 3), ("shared", 2), ("database", 2))
            ),
            f"{levels['nobody'].lookups:,}" if "nobody" in levels else "0",
        )
    yield table


def share(figure: float | None) -> str:
    """Return a share of 1 in per cent; rounded down, so that 100 % is all."""
    return NOTHING if figure is None else f"{int(figure * 1e4) / 100:g} %"


def _processes(trials: list[Trial]) -> Iterator[tuple[str, ...]]:
    disk, resident = [trial.disk_bytes for trial in trials], [trial.rss_bytes for trial in trials]
    for name in dict.fromkeys(name for trial in trials for name in trial.cpu_s):
        length_s = sum(_length_s(trial) for trial in trials) / len(trials)
        collections = _mean(trial.gc_collections.get(name) for trial in trials)
        switches = _mean(trial.context_switches.get(name) for trial in trials)
        written, memory = (_mean(use.get(name) for use in uses) for uses in (disk, resident))
        yield (
            name,
            number(_mean(trial.cores.get(name) for trial in trials), 2),
            number(_mean(trial.cpu_s.get(name) for trial in trials), 1),
            number(None if memory is None else memory / _MIB, 0),
            number(None if written is None else written / _MIB, 1),
            number(None if switches is None or not length_s else switches / length_s, 0),
            number(collections, 0),
        )


def _length_s(trial: Trial) -> float:
    return trial.warmup_s + (trial.duration_s or 0.0) + (trial.drain_s or 0.0)


def _mean(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None


def _ratio(count: int, trial: Trial, of: int | None = None) -> str:
    whole = trial.requests + trial.unsent if of is None else of
    return f"{count / whole:.2%}".replace("%", " %") if count and whole else "0"


def _trials(result: Result, arm: str) -> list[Trial]:
    return [trial for trial in result.trials if trial.arm == arm]

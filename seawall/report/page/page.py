"""Puts a result and its material into the page; what users can put into names and errors is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from seawall.report.advice_words import HEADING, suggestions
from seawall.report.answer import answer_of
from seawall.report.burst_words import burst_figures
from seawall.report.effect_tables import effect_rows
from seawall.report.experiment_names import FAULT, PLAIN, SOAK
from seawall.report.figures import NOTHING, figure
from seawall.report.page.chart import swatch
from seawall.report.page.not_measured import not_measured
from seawall.report.page.picture_choice import pictures_of
from seawall.report.page.pictures import Material, cost_rows, kind_of, mark_of
from seawall.report.page.rows import (
    AUDIT_COUNTS,
    arm_row,
    arms_caption,
    audit_rows,
    burst_stage_row,
    comparison_rows,
    control_row,
    elasticity_row,
    endpoint_row,
    fault_row,
    has_load,
    knee_row,
    shape_row,
    stage_row,
    step_rows,
    target_row,
    trial_row,
)
from seawall.report.scenarios import SCENARIOS, scenario_tables
from seawall.report.shape_words import is_designed, is_over_loads, is_profiled
from seawall.report.soak_rows import slope_row
from seawall.report.sweep_tables import sweep_tables
from seawall.result import Outcome, Result
from seawall.result.bursts import INGEST

_HERE = Path(__file__).parent


def render(result: Result, material: Material) -> str:
    """Return the whole page."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        result=result,
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        answer=answer_of(result),
        suggested=HEADING,
        suggestions=list(suggestions(result)),
        chip=chip,
        arms=[]
        if result.experiment in (*PLAIN, FAULT, INGEST, *SCENARIOS)
        or result.stages
        or result.capacity
        or result.elasticity
        else [arm_row(result, arm.name) for arm in result.arms if has_load(result, arm.name)],
        endpoints=[] if result.stages else [endpoint_row(row) for trial in result.trials for row in trial.endpoints],
        stages=[] if is_profiled(result) else [stage_row(result, stage) for stage in result.stages],
        moving=[shape_row(stage) for stage in result.stages] if is_profiled(result) else [],
        knees=[knee_row(result, finding) for finding in result.capacity],
        steps=[row for finding in result.capacity for row in step_rows(result, finding)],
        arms_caption=arms_caption(result),
        scaled=[
            elasticity_row(finding, number) for finding in result.elasticity for number in range(len(finding.steps))
        ],
        faults=[fault_row(finding) for finding in result.faults],
        bursts=[{"name": one.arm, "outcome": one.outcome, **burst_figures(one)} for one in result.bursts],
        burst_stages=[burst_stage_row(finding, stage) for finding in result.bursts for stage in finding.stages],
        tables=[*scenario_tables(result), *sweep_tables(result)],
        controls=[control_row(row) for row in result.controls],
        slopes=[(slope_row(slope), slope.outcome) for slope in result.slopes],
        pictures=list(pictures_of(result, material)),
        legend=[] if is_designed(result) else [_legend(result, arm.name) for arm in result.arms],
        effects=list(effect_rows(result)),
        raw=bool(is_over_loads(result) or material or result.stages)
        or result.experiment == SOAK
        or not any(trial.kind == "load" for trial in result.trials),
        costs=[] if result.elasticity or is_designed(result) else list(_costs(result)),
        targets=[target_row(row) for row in result.targets],
        comparisons=list(comparison_rows(result)),
        audit_names=[name.replace("_", " ") for name in AUDIT_COUNTS],
        audit=list(audit_rows(result)),
        examples=[(t.name, kind, ", ".join(ids)) for t in result.trials for kind, ids in t.examples.items()],
        trials=[trial_row(trial) for trial in result.trials],
        not_measured=[] if result.controls else list(not_measured(result)),
        environment=list(_environment_rows(result)),
    )


def chip(outcome: Outcome | None) -> Markup:
    """Return an outcome as a coloured word."""
    return Markup('<span class="chip {0}">{0}</span>').format(outcome.value) if outcome else Markup(NOTHING)  # noqa: S704


def _legend(result: Result, arm: str) -> tuple[str, str, Markup]:
    kind = kind_of(result, arm)
    name = f"{arm} ({result.arm(arm).durability})"
    return kind, name, Markup(swatch(kind, mark_of(result, arm)))  # noqa: S704 - made of our own constants


def _costs(result: Result) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
    rows = cost_rows(result)
    most = max((seconds for _, spent in rows for _, seconds in spent), default=0.0) or 1.0
    for arm, spent in rows:
        kind = kind_of(result, arm)
        yield arm, [(name, figure(s), f"{100 * s / most:.1f}", kind) for name, s in spent if s >= 0.0005]  # noqa: PLR2004


def _environment_rows(result: Result) -> Iterator[tuple[str, str]]:
    for name, value in result.environment.items():
        yield name.replace("_", " "), _text(value)
    for arm in result.arms:
        for server, settings in arm.settings.items():
            yield f"{arm.name}: {server}", _text(settings)
    yield "options", _text(result.options)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} = {_text(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)

"""The answer to the question that a comparison was run for, in words that its figures bear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from seawall.report.agreement_words import QUESTION as AGREEMENT_QUESTION
from seawall.report.agreement_words import agreement_answer, is_agreement
from seawall.report.burst_words import burst_answer, is_ingest
from seawall.report.capacity_words import capacity_remarks, why_no_more
from seawall.report.effect_words import effects_answer
from seawall.report.elasticity_words import elasticity_answer, elasticity_doubts
from seawall.report.figures import times
from seawall.report.search_tables import search_answer
from seawall.report.shape_words import break_words, is_profiled
from seawall.result import Arm, ArmComparison, Outcome, Result, StageFinding, Trial

SERVICE_QUESTION = "Does the service hold its targets under this load?"
PLAIN = ("locust", "k6")
"""The experiments that are one plain run of a load generator against a service."""
SOAK = "soak"
"""The experiment that holds one load for a long time."""
FAULT = "fault"
"""The experiment in which things go wrong on purpose."""
THROUGH_THE_LOG = "kafka"
QUESTION = "Should Kafka stand in front of this database?"
SCALED = {"api": "API processes", "sinks": "sinks", "partitions": "partitions", "workers": "Locust workers"}
SIMPLEST_FIRST = ("sync", "grouped", "kafka")


@dataclass(frozen=True)
class Answer:
    """What to do, why, from which load on, and what speaks for caution."""

    question: str
    word: str
    sentence: str
    from_which_load: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def answer_of(result: Result) -> Answer:
    """Return the answer to what the experiment asks; says so where the run cannot tell."""
    for is_asked, make in _ANSWERS:
        if is_asked(result):
            return make(result)
    return _of_comparison(result)


def _of_comparison(result: Result) -> Answer:
    """Return whether the log should stand in front of the database."""
    direct = [arm for arm in result.arms if arm.path != THROUGH_THE_LOG]
    log = [arm for arm in result.arms if arm.path == THROUGH_THE_LOG]
    return Answer(
        QUESTION,
        *_word_and_sentence(result, direct, log),
        from_which_load=[*_carried(result), *_from_how_many_records(result, direct, log)],
        doubts=list(_doubts(result)),
    )


def _of_stages(result: Result) -> Answer:
    """Return up to which stage each path held its targets."""
    word = {Outcome.PASS: "Yes", Outcome.FAIL: "Not all", Outcome.INCONCLUSIVE: "It cannot be told"}.get(
        result.outcome, "This run does not tell"
    )
    said = [_held(arm.name, [stage for stage in result.stages if stage.arm == arm.name]) for arm in result.arms]
    narrow = [
        f"{stage.arm}, {stage.stage} a second: {stage.bottleneck}. To try: {stage.advice}."
        for stage in result.stages
        if stage.bottleneck
    ]
    return Answer(
        "Are the targets held through all stages of load?",
        word,
        f"{'; '.join(said)}.",
        from_which_load=narrow,
        doubts=[f"{reason[:1].upper()}{reason[1:]}." for reason in result.reasons],
    )


def _of_faults(result: Result) -> Answer:
    """Return whether what went wrong was borne."""
    faults = result.faults
    borne = sum(finding.outcome is Outcome.PASS for finding in faults)
    lost, doubled, absorbed = (
        sum(getattr(finding, name) for finding in faults) for name in ("lost", "doubled", "absorbed")
    )
    acknowledged = sum(trial.audit.acknowledged for trial in result.trials)
    word = {Outcome.PASS: "Yes", Outcome.FAIL: "Not always", Outcome.INCONCLUSIVE: "It is not proven"}.get(
        result.outcome, "This run does not tell"
    )
    back = [finding.recover_s for finding in faults if finding.recover_s is not None]
    sentence = (
        f"{borne} of {len(faults)} faults were borne. Of {acknowledged:,} records that were acknowledged meanwhile,"
        f" {lost:,} were lost and {doubled:,} doubled; {absorbed:,} came out of the log again and were stored once."
    )
    slowest = f"The slowest recovery took {max(back):.1f} s." if back else ""
    failed = [f"{finding.name}: {'; '.join(finding.reasons)}." for finding in faults if finding.outcome is Outcome.FAIL]
    return Answer(
        "Does the service bear it when something goes wrong?",
        word,
        sentence if faults else "The run ended before its first fault did.",
        from_which_load=[slowest] if slowest else [],
        doubts=[*failed, *(f"{reason.rstrip('.')}." for reason in result.reasons)],
    )


def _of_capacity(result: Result) -> Answer:
    """Return the highest load of each path, what ends it, and from where on the log carries more."""
    lasting = [finding for finding in result.capacity if finding.burst_s is None]
    highest = max((finding.last_pass_per_s or 0.0 for finding in lasting), default=0.0)
    word = f"Up to {highest:,.0f} writes a second" if highest else "No load was held"
    said = [
        f"{finding.arm} holds {finding.last_pass_per_s:,.0f} a second ({why_no_more(finding)})"
        if finding.last_pass_per_s
        else f"{finding.arm} holds no load"
        for finding in lasting
    ]
    return Answer(
        "How much does each path carry with all targets held?",
        word,
        f"{'; '.join(said)}." if said else "The search ended before its first load did.",
        from_which_load=[f"Kafka carries more than {row.base}, by {row.by}: {row.says}." for row in result.break_even],
        doubts=[*capacity_remarks(result), *_doubts(result)],
    )


def _held(arm: str, stages: Sequence[StageFinding]) -> str:
    held = [stage for stage in stages if stage.outcome is Outcome.PASS]
    highest = f", the highest {held[-1].stage} a second" if held else ""
    return f"{arm} held {len(held)} of {len(stages)} stages{highest}"


def _of_controls(result: Result) -> Answer:
    """Return whether the instrument noticed everything that was planted."""
    caught = [row for row in result.controls if row.outcome is Outcome.PASS]
    missed = [row.name for row in result.controls if row.outcome is Outcome.FAIL]
    toothless = [row.name for row in result.controls if row.outcome is Outcome.INVALID]
    word = "Not all" if missed else "It cannot be told" if toothless or not caught else "Yes"
    sentence = f"{len(caught)} of {len(result.controls)} controls came out as they must"
    sentence += f"; {_and(missed)} did not" * bool(missed) + f"; {_and(toothless)} did not bite" * bool(toothless) + "."
    doubts = ["Services misbehaved on purpose here: no figure of these trials measures anything else."]
    return Answer("Does the instrument notice what is wrong?", word, sentence, doubts=doubts)


def _of_scaling(result: Result) -> Answer:
    """Return what more of the scaled processes would carry, as the fitted law projects it."""
    finding = result.scaling[0]
    names = SCALED.get(finding.what, finding.what)
    question, doubts = f"What would more {names} carry?", list(_doubts(result))
    if finding.gamma is None or finding.alpha is None or finding.beta is None:
        return Answer(question, "No law was fitted", f"{finding.reason or 'The run ended early'}.", doubts=doubts)
    most = max(point.count for point in finding.points if not point.invalid_because)
    there = next(step.per_s for step in finding.curve if step.count == most)
    sentence = (
        f"Projected to a core each, one carries {finding.gamma.value:,.0f} records a second and {most} carry"
        f" {there.value:,.0f} (95 % interval {there.low:,.0f} to {there.high:,.0f}): contention"
        f" {finding.alpha.value:.3g}, coherency {finding.beta.value:.2g}."
    )
    doubts.insert(0, "Projected and not measured: all ran on one machine, at a small load each.")
    if finding.reason:
        doubts.insert(0, f"{finding.reason[:1].upper()}{finding.reason[1:]}.")
    times = f"{most} carry {there.value / finding.gamma.value:.1f} times as much as one"
    return Answer(question, "It cannot be told" if finding.reason else times, sentence, doubts=doubts)


def _of_service(result: Result) -> Answer:
    """Return whether the service of a plain run holds its targets at that load."""
    if not result.trials:
        return Answer(SERVICE_QUESTION, "Nothing was measured", "The run ended before its first request did.")
    trial, outcome = result.trials[0], result.outcome
    word = {
        Outcome.PASS: "It holds", Outcome.FAIL: "It does not hold", Outcome.INCONCLUSIVE: "It cannot be told",
        Outcome.INVALID: "This run says nothing",
    }[outcome]  # fmt: skip
    if not trial.requests:
        why = trial.reasons[0] if trial.reasons else "no request was sent"
        return Answer(SERVICE_QUESTION, "Nothing was measured", f"{why.capitalize()}.")
    load = f"{trial.requests / (trial.duration_s or 1):,.0f} requests a second"
    if trial.offered_per_s:
        load = f"{trial.offered_per_s:,.0f} requests a second on a schedule"
    load = f"At {load}"
    if is_profiled(result):
        load = f"Through {result.options.get('shape')}, up to {result.options.get('peak_rate'):,.0f} requests a second,"
    sentence = f"{load} by {trial.users:,} users, {trial.arm} "
    missed = [row for row in result.targets if row.outcome is outcome]
    if outcome is Outcome.PASS:
        sentence += f"held every target that was judged ({len(result.targets)})."
    elif trial.outcome is Outcome.FAIL:
        sentence += f"did not keep its records: {', '.join(trial.reasons)}."
    else:
        said = "missed" if outcome is Outcome.FAIL else f"is {outcome} against"
        first = f": {missed[0].name}, {missed[0].reason}" if missed else ""
        sentence += f"{said} {len(missed)} of {len(result.targets)} targets{first}."
    doubts = [*(f"{reason[:1].upper()}{reason[1:]}." for reason in result.reasons), f"The audit {result.audit}."]
    if result.not_judged:
        doubts.append(f"Not judged, since that takes a database to look into: {', '.join(result.not_judged)}.")
    broke = break_words(result)
    return Answer(SERVICE_QUESTION, word, sentence, [f"It {broke}." if broke else ""][: bool(broke)], doubts)


def _of_agreement(result: Result) -> Answer:
    """Return whether two load generators tell the same."""
    return Answer(AGREEMENT_QUESTION, *agreement_answer(result), doubts=[f"{one}." for one in result.reasons[1:]])


def _of_soak(result: Result) -> Answer:
    """Return whether anything crept up while one load went on."""
    question = "Does it last?"
    if not result.segments:
        return Answer(question, "Nothing was measured", "The soak ended before its first segment did.")
    word = {
        Outcome.PASS: "Nothing creeps up", Outcome.FAIL: "No", Outcome.INCONCLUSIVE: "It cannot be told yet",
        Outcome.INVALID: "This soak says nothing yet",
    }[result.outcome]  # fmt: skip
    judged = [slope for slope in result.slopes if slope.outcome is not None]
    passed = sum(slope.outcome is Outcome.PASS for slope in judged)
    loaded_s = sum(trial.duration_s or 0.0 for trial in result.trials)
    length = f"{loaded_s / 60:,.0f} minutes" if loaded_s >= 120 else f"{loaded_s:,.0f} seconds"  # noqa: PLR2004
    sentence = (
        f"{_load_text(result)}, for {length} in {len(result.trials)} segments: {passed} of"
        f" {len(judged)} slopes stay below their limits."
    )
    doubts = [f"{reason[:1].upper()}{reason[1:]}." for reason in result.reasons]
    open_ = [slope for slope in judged if slope.outcome is Outcome.INCONCLUSIVE]
    if open_:
        first = f"{open_[0].metric.replace('_', ' ')} of {open_[0].service}: {open_[0].reason}"
        doubts.append(f"{len(open_)} slopes cannot be told from their limits; {first}.")
    return Answer(question, word, sentence, doubts=doubts)


def loads(result: Result, arm: str) -> list[Trial]:
    """Return the arm's valid *load* trials."""
    return [t for t in result.trials if t.arm == arm and t.kind == "load" and not t.invalid_because]


def _word_and_sentence(result: Result, direct: Sequence[Arm], log: Sequence[Arm]) -> tuple[str, str]:
    if not result.trials:
        return "Nothing was measured", "The run ended before its first trial did."
    losing = [arm.name for arm in result.arms if any(t.audit.lost for t in result.trials if t.arm == arm.name)]
    if losing:
        return "Not like this", f"{_and(losing)} lost records that the service had acknowledged: see the audit first."
    if not result.verdicts:
        return _by_records_alone(direct, log)
    return _by_verdicts(result, direct, log)


def _by_verdicts(result: Result, direct: Sequence[Arm], log: Sequence[Arm]) -> tuple[str, str]:
    at, verdicts = _load_text(result), result.verdicts
    held = [arm for arm in _simplest(result.arms) if verdicts.get(arm.name) is Outcome.PASS]
    missed = [arm.name for arm in result.arms if verdicts.get(arm.name) is Outcome.FAIL]
    without = [arm for arm in held if arm.path != THROUGH_THE_LOG]
    if not (direct and log):
        word = "It holds" if len(held) == len(verdicts) else "It does not hold" if missed else "It cannot be told"
        return word, f"{at}, {_and([f'{name}: {outcome}' for name, outcome in verdicts.items()])}."
    if without:
        return "No, not at this load", f"{at}, {_without_it(result, without, log)}"
    if held and all(arm.name in missed for arm in direct):
        with_it = _and([arm.name for arm in held])
        return "Yes", f"{at}, {with_it} held every target and {_and([arm.name for arm in direct])} did not."
    if len(missed) == len(verdicts):
        return "No path is enough", f"{at}, every path missed a target; the table says which."
    leaves_open = [name for name, outcome in verdicts.items() if name not in missed and outcome is not Outcome.PASS]
    why = _and(sorted({verdicts[name] for name in leaves_open}))
    return "It cannot be told", f"{at}, {_and(leaves_open)} came out {why}."


def _without_it(result: Result, without: Sequence[Arm], log: Sequence[Arm]) -> str:
    best, through = without[0], log[0]
    says = f"{best.name} held every target without it"
    outcome = result.verdicts.get(through.name)
    if outcome is not None and outcome is not Outcome.PASS:
        return f"{says}; {through.name} came out {outcome}."
    row = _row(result, "load", "visible_p95_ms", best.name, through.name)
    if row is not None and row.ci_low is None:
        return f"{says}; how much later or sooner records become visible, too few trials tell."
    if row is None or row.ratio is None or row.ci_low is None or row.ci_high is None or not row.significant:
        return f"{says}, and no difference in when records become visible was shown."
    later, interval = ("later", row) if row.ratio > 1 else ("sooner", _turned(row))
    assert interval.ratio is not None
    return (
        f"{says}. Through {through.name} the slowest 5 % of records became visible {times(interval.ratio)} {later} "
        f"(95 % interval {interval.ci_low:.3g} to {interval.ci_high:.3g})."
    )


def _by_records_alone(direct: Sequence[Arm], log: Sequence[Arm]) -> tuple[str, str]:
    if not (direct and log):
        return "Measured", "No load was judged; the tables hold the times of equal numbers of records."
    return "It depends on how many", "No load was judged: records were sent as fast as they were answered."


def _carried(result: Result) -> Iterator[str]:
    """Say of each path that could not keep up how much it carried."""
    for arm in result.arms:
        trials = [t for t in loads(result, arm.name) if t.offered_per_s and t.achieved_per_s]
        behind = [t for t in trials if (t.achieved_per_s or 0) < 0.98 * (t.offered_per_s or 0)]
        if trials and len(behind) == len(trials):
            low, high = (pick(t.achieved_per_s or 0 for t in trials) for pick in (min, max))
            offered = trials[0].offered_per_s
            yield f"{arm.name} carried {low:,.0f} to {high:,.0f} writes a second of {offered:,.0f} offered."
    kept = [arm.name for arm in result.arms if result.verdicts.get(arm.name) is Outcome.PASS]
    if kept and len(kept) == len(result.verdicts):
        yield f"{_load_text(result)}, no path reached its limit: where that lies, this run does not tell."


def _from_how_many_records(result: Result, direct: Sequence[Arm], log: Sequence[Arm]) -> Iterator[str]:
    """Say from how many records on the log was quicker, entity by entity where they differ."""
    for base in direct:
        for arm in log:
            rows = [
                r
                for r in result.comparisons
                if (r.kind, r.metric, r.base, r.arm) == ("data", "duration_s", base.name, arm.name)
            ]
            if rows:
                yield _since(rows, base.name, arm.name)


def _since(rows: Sequence[ArmComparison], base: str, arm: str) -> str:
    counts = sorted({row.count or 0 for row in rows})
    quicker = [count for count in counts if all(row.says == "smaller" for row in rows if row.count == count)]
    lasting = next((c for c in counts if all(later in quicker for later in counts if later >= c)), None)
    if lasting is None:
        some = [f"{row.count:,} {row.entity}" for row in rows if row.says == "smaller"]
        also = f", but for {_and(some)}" if some else ""
        return f"Up to {counts[-1]:,} records sent at once, {arm} was not shown to be quicker than {base}{also}."
    at_it = [row.ratio for row in rows if row.count == lasting and row.ratio]
    took = f"{min(at_it):.2f} to {max(at_it):.2f}" if len(at_it) > 1 else f"{at_it[0]:.2f}"
    return f"From {lasting:,} records sent at once, {arm} is quicker than {base}: it takes {took} of the time."


def _doubts(result: Result) -> Iterator[str]:
    if result.interrupted:
        yield "The run was interrupted; what stands here is what was measured until then."
    classes = {arm.name: arm.durability for arm in result.arms}
    if len(set(classes.values())) > 1:
        yield (
            "An answer does not promise the same everywhere: "
            + "; ".join(f"{n}: {d}" for n, d in classes.items())
            + "."
        )
    invalid = [trial for trial in result.trials if trial.invalid_because]
    if invalid:
        first = f"{invalid[0].name}: {invalid[0].invalid_because[0]}"
        yield f"{len(invalid)} of {len(result.trials)} trials say nothing; the first, {first}."
    few = [row for row in result.comparisons if row.ci_low is None]
    if few:
        yield f"{len(few)} of {len(result.comparisons)} ratios have no interval: too few trials."
    cores = result.environment.get("cores")
    if cores:
        yield f"Load, service and servers shared {cores} cores of one machine, over loopback."


def _load_text(result: Result) -> str:
    trial = next((trial for trial in result.trials if trial.kind == "load"), None)
    if trial is None or trial.offered_per_s is None:
        return "Under this load"
    return f"At {trial.offered_per_s:,.0f} writes a second by {trial.users:,} users"


def _simplest(arms: Sequence[Arm]) -> list[Arm]:
    return sorted(arms, key=lambda arm: SIMPLEST_FIRST.index(arm.path) if arm.path in SIMPLEST_FIRST else 9)


def _row(result: Result, kind: str, metric: str, base: str, arm: str) -> ArmComparison | None:
    return next((r for r in result.comparisons if (r.kind, r.metric, r.base, r.arm) == (kind, metric, base, arm)), None)


def _turned(row: ArmComparison) -> ArmComparison:
    assert row.ratio is not None
    assert row.ci_low is not None
    assert row.ci_high is not None
    return msgspec.structs.replace(row, ratio=1 / row.ratio, ci_low=1 / row.ci_high, ci_high=1 / row.ci_low)


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"


_ANSWERS: tuple[tuple[Callable[[Result], bool], Callable[[Result], Answer]], ...] = (
    (lambda result: result.experiment in PLAIN, _of_service),
    (is_agreement, _of_agreement),
    (is_ingest, lambda result: Answer(*burst_answer(result))),
    (lambda result: bool(result.controls), _of_controls),
    (lambda result: bool(result.scaling), _of_scaling),
    (lambda result: result.search is not None, lambda result: Answer(*search_answer(result))),
    (lambda result: bool(result.cells), lambda result: Answer(*effects_answer(result))),
    (lambda one: bool(one.elasticity), lambda one: Answer(*elasticity_answer(one), doubts=elasticity_doubts(one))),
    (lambda result: result.experiment == SOAK, _of_soak),
    (lambda result: bool(result.stages), _of_stages),
    (lambda result: bool(result.capacity), _of_capacity),
    (lambda result: result.experiment == FAULT, _of_faults),
)
"""What each experiment asks; a comparison is everything else."""

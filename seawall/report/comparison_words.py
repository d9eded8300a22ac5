"""Whether the log should stand in front of the database, in words that the figures of a comparison bear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from seawall.report.answer_form import Answer
from seawall.result import Arm, ArmComparison, Outcome, Result, Trial

QUESTION = "Should Kafka stand in front of this database?"
THROUGH_THE_LOG = "kafka"
SIMPLEST_FIRST = ("sync", "grouped", "kafka")


def comparison_answer(result: Result) -> Answer:
    """Return whether the log should stand in front of the database."""
    direct = [arm for arm in result.arms if arm.path != THROUGH_THE_LOG]
    log = [arm for arm in result.arms if arm.path == THROUGH_THE_LOG]
    return Answer(
        QUESTION,
        *_word_and_sentence(result, direct, log),
        from_which_load=[*_carried(result), *_from_how_many_records(result, direct, log)],
        doubts=list(doubts_of(result)),
    )


def loads(result: Result, arm: str) -> list[Trial]:
    """Return the arm's valid *load* trials."""
    return [t for t in result.trials if t.arm == arm and t.kind == "load" and not t.invalid_because]


def _word_and_sentence(result: Result, direct: Sequence[Arm], log: Sequence[Arm]) -> tuple[str, str]:
    if not result.trials:
        return "Nothing was measured", "The run ended before its first trial did."
    losing = [arm.name for arm in result.arms if any(t.audit.lost for t in result.trials if t.arm == arm.name)]
    if losing:
        return "Not like this", f"{listed(losing)} lost records that the service had acknowledged: see the audit first."
    if not result.verdicts:
        return _by_records_alone(direct, log)
    return _by_verdicts(result, direct, log)


def _by_verdicts(result: Result, direct: Sequence[Arm], log: Sequence[Arm]) -> tuple[str, str]:
    at, verdicts = load_text(result), result.verdicts
    held = [arm for arm in _simplest(result.arms) if verdicts.get(arm.name) is Outcome.PASS]
    missed = [arm.name for arm in result.arms if verdicts.get(arm.name) is Outcome.FAIL]
    without = [arm for arm in held if arm.path != THROUGH_THE_LOG]
    if not (direct and log):
        word = "It holds" if len(held) == len(verdicts) else "It does not hold" if missed else "It cannot be told"
        return word, f"{at}, {listed([f'{name}: {outcome}' for name, outcome in verdicts.items()])}."
    if without:
        return "No, not at this load", f"{at}, {_without_it(result, without, log)}"
    if held and all(arm.name in missed for arm in direct):
        with_it = listed([arm.name for arm in held])
        return "Yes", f"{at}, {with_it} held every target and {listed([arm.name for arm in direct])} did not."
    if len(missed) == len(verdicts):
        return "No path is enough", f"{at}, every path missed a target; the table says which."
    leaves_open = [name for name, outcome in verdicts.items() if name not in missed and outcome is not Outcome.PASS]
    why = listed(sorted({verdicts[name] for name in leaves_open}))
    return "It cannot be told", f"{at}, {listed(leaves_open)} came out {why}."


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
        f"{says}. Through {through.name} the slowest 5 % of records became visible {_times(interval.ratio)} {later} "
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
        yield f"{load_text(result)}, no path reached its limit: where that lies, this run does not tell."


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
        also = f", but for {listed(some)}" if some else ""
        return f"Up to {counts[-1]:,} records sent at once, {arm} was not shown to be quicker than {base}{also}."
    at_it = [row.ratio for row in rows if row.count == lasting and row.ratio]
    took = f"{min(at_it):.2f} to {max(at_it):.2f}" if len(at_it) > 1 else f"{at_it[0]:.2f}"
    return f"From {lasting:,} records sent at once, {arm} is quicker than {base}: it takes {took} of the time."


def doubts_of(result: Result) -> Iterator[str]:
    """Yield what speaks for caution about any run of several arms."""
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


def load_text(result: Result) -> str:
    """Return under which load a run was."""
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


def _times(ratio: float | None) -> str:
    return "?" if ratio is None else f"{ratio:.3g} times"


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words; "nothing" where there is none."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"

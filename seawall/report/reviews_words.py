"""Reviews judged by a slow model in words and tables: in batches, one by one and job by job."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.answer_form import Answer
from seawall.report.figure_table import FigureRow, FigureTable
from seawall.report.figures import NOTHING, figure, times
from seawall.result import Outcome, Result
from seawall.result.reviews import LISTS, SINGLE, ReviewsFinding

NOT_MEASURED = (
    "How much runs differ: there was one trial an arm.",
    "How good the judgements are: the model is two lexicons, and nobody's opinion was asked.",
    "A large model's own price and speed: calls are counted, and their length is simulated, unless it is a real one.",
    "Several workers side by side, and a model, a log and a database on machines of their own.",
)
"""What such a run leaves open, whatever it found."""
_MEGA = 1e6


def reviews_answer(result: Result) -> Answer:
    """Return what batches gained over single calls, and whether each review has its result."""
    question = (
        "What do micro-batches to a slow model gain over one call a review, and is any review lost or judged twice?"
    )
    doubts = [f"{reason.rstrip('.')}." for reason in result.reasons]
    if not result.reviews:
        return Answer(question, "Nothing was measured", "The run ended before the first arm.", [], doubts)
    said = "; ".join(f"{one.arm}: {_in_short(one)}" for one in result.reviews)
    return Answer(question, _word(result), f"{said}.", list(_gain_and_cost(result)), doubts)


def _word(result: Result) -> str:
    if any(one.outcome is Outcome.FAIL for one in result.reviews):
        return "Not every review has one result"
    if result.outcome is Outcome.FAIL:
        return "Every review has one result, but not all that is claimed was reached"
    return "Every review has one result"


def _in_short(one: ReviewsFinding) -> str:
    pace = "" if one.reviews_per_s is None else f" at {figure(one.reviews_per_s)} a second"
    return f"{one.judged + one.buried:,} of {one.acknowledged:,} reviews{pace}, in {one.calls:,} calls"


def _gain_and_cost(result: Result) -> Iterator[str]:
    alone = next((one for one in result.reviews if one.arm == SINGLE), None)
    others = [one for one in result.reviews if one is not alone]
    if alone is None or not others or not alone.calls:
        yield "What the log gave and cost is not told: one call a review, to which batches are held, was left out."
    else:
        for one in others:
            yield f"What the log gave, {one.arm}: {_beside(one, alone)}."
    for one in result.reviews:
        if one.delay_ms.p95 is not None:
            yield (
                f"What it cost, {one.arm}: results came {figure(one.delay_ms.p95 / 1000)} s after their reviews at p95,"
                f" {_waits(one)}."
            )
        if one.buried:
            yield f"{one.arm}: {one.buried:,} reviews are dead letters, each with its reason in the table of results."
        if failed := one.calls - round(one.calls * (1 - (one.error_ratio or 0.0))):
            yield f"{one.arm}: {failed:,} of {one.calls:,} calls were not answered as a whole; {_failures(one)}."


def _beside(one: ReviewsFinding, alone: ReviewsFinding) -> str:
    calls = f"{one.calls:,} calls in place of {alone.calls:,}"
    if not one.reviews_per_s or not alone.reviews_per_s:
        return calls
    return f"{calls}, and {times(one.reviews_per_s / alone.reviews_per_s)} the reviews a second"


def _waits(one: ReviewsFinding) -> str:
    if one.arm == LISTS:
        return "since a job is sent when its last review is there"
    if one.by_time:
        return f"since {one.by_time:,} of {one.batches:,} batches waited for their deadline"
    return "with no batch that waited for a deadline"


def _failures(one: ReviewsFinding) -> str:
    kinds = ("partial", "nonsense", "throttled", "refused", "unavailable")
    said = ", ".join(f"{getattr(one, kind):,} {kind}" for kind in kinds if getattr(one, kind))
    opened = f"; the circuit breaker opened {one.breaker_opened:,} times" if one.breaker_opened else ""
    return f"{said}{opened}"


def in_words(one: ReviewsFinding) -> str:
    """Return in a line what one arm came to."""
    why = f": {'; '.join(one.reasons)}" if one.reasons else ""
    buried = f", {one.buried:,} of them dead letters" if one.buried else ""
    return f"{_in_short(one)}{buried}{why}"


def reviews_tables(result: Result) -> Iterator[FigureTable]:
    """Yield the table of arms, that of calls, and that of what the audit found."""
    if not result.reviews:
        return
    yield FigureTable(
        title="Reviews judged by a slow model",
        caption="delay: from when a review was due until its result was written; closed by: batches that were full, and"
        " those whose deadline had come; late: deadlines missed by more than 50 ms",
        columns=(
            "asked about", "reviews", "seconds", "a second", "delay p50 s", "p95 s", "batches", "by size",
            "by deadline", "late", "latest ms", "memory MB", "CPU s",
        ),
        rows=[FigureRow(cells=_arm(one), outcome=_outcome(result, one)) for one in result.reviews],
    )  # fmt: skip
    yield FigureTable(
        title="What the model was asked",
        caption="asked: reviews in all calls, those that were asked about again included; not whole: calls that ended"
        " otherwise than with an answer about all their reviews",
        columns=(
            "asked about", "calls", "asked", "a call", "not whole", "partial", "nonsense", "429", "refused",
            "no answer", "breaker",
        ),
        rows=[FigureRow(cells=_calls(one)) for one in result.reviews],
    )  # fmt: skip
    yield FigureTable(
        title="Where the reviews are",
        caption="one result or dead letter each; what stands behind the sentiments should be 0",
        columns=(
            "asked about", "judged", "dead letters", "positive", "neutral", "negative", "missing", "phantom",
            "mislabelled", "unlettered", "both", "misordered",
        ),
        rows=[
            FigureRow(
                cells=(
                    one.arm, f"{one.judged:,}", f"{one.buried:,}",
                    *(f"{one.sentiments.get(name, 0):,}" for name in ("positive", "neutral", "negative")),
                    f"{one.missing:,}", f"{one.phantom:,}", f"{one.mislabelled:,}", f"{one.unlettered:,}",
                    f"{one.both:,}", f"{one.misordered:,}",
                ),
                outcome=one.outcome,
            )
            for one in result.reviews
        ],
    )  # fmt: skip


def _outcome(result: Result, one: ReviewsFinding) -> Outcome:
    """Return the worse of the arm's outcome and those of its targets."""
    found = [one.outcome, *(row.outcome for row in result.targets if row.arm == one.arm)]
    return next((bad for bad in (Outcome.FAIL, Outcome.INVALID, Outcome.INCONCLUSIVE) if bad in found), Outcome.PASS)


def _arm(one: ReviewsFinding) -> tuple[str, ...]:
    return (
        one.arm,
        f"{one.reviews:,}",
        figure(one.seconds),
        figure(one.reviews_per_s),
        *(NOTHING if value is None else figure(value / 1000) for value in (one.delay_ms.p50, one.delay_ms.p95)),
        f"{one.batches:,}",
        f"{one.by_size:,}",
        f"{one.by_time:,}",
        f"{one.late:,}",
        figure(one.latest_ms),
        f"{one.memory_bytes / _MEGA:.0f}",
        f"{one.cpu_s:.1f}",
    )


def _calls(one: ReviewsFinding) -> tuple[str, ...]:
    return (
        one.arm,
        f"{one.calls:,}",
        f"{one.asked:,}",
        figure(one.asked / one.calls if one.calls else None),
        NOTHING if one.error_ratio is None else f"{one.error_ratio:.1%}",
        f"{one.partial:,}",
        f"{one.nonsense:,}",
        f"{one.throttled:,}",
        f"{one.refused:,}",
        f"{one.unavailable:,}",
        f"{one.breaker_opened:,}",
    )

"""Features of reviews by a Spark job in words and tables: what each setting changed, and whether anything was lost."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.answer_form import Answer
from seawall.report.figure_table import FigureRow, FigureTable
from seawall.report.figures import NOTHING, figure, times
from seawall.result import Outcome, Result
from seawall.result.spark import BASELINE, SparkFinding

NOT_MEASURED = (
    "How much runs differ: there was one trial an arm.",
    "A cluster: with a local master driver and executor are one process, and its memory is what is told.",
    "Days of real time: the clock of the reviews is simulated, and state that days fill is filled by it in seconds.",
    "Reviews that come later than a watermark allows: such are dropped, and none was sent.",
)
"""What such a run leaves open, whatever it found."""
_MEGA = 1e6


def spark_answer(result: Result) -> Answer:
    """Return what the settings gave, and whether each review has its features once."""
    question = (
        "What does each setting of a Spark job change, and are each review's features there once, even after a kill?"
    )
    doubts = [f"{reason.rstrip('.')}." for reason in result.reasons]
    if not result.spark:
        return Answer(question, "Nothing was measured", "The run ended before the first arm.", [], doubts)
    said = "; ".join(f"{one.arm}: {_in_short(one)}" for one in result.spark)
    return Answer(question, _word(result), f"{said}.", list(_gain_and_cost(result)), doubts)


def _word(result: Result) -> str:
    if any(one.outcome is Outcome.FAIL for one in result.spark):
        return "Not every review has its features"
    if result.outcome is Outcome.FAIL:
        return "Every review has its features once by key, but not all that is claimed was reached"
    return "Every review has its features once by key"


def _in_short(one: SparkFinding) -> str:
    delay = "" if one.delay_ms.p95 is None else f", p95 of the delay {figure(one.delay_ms.p95 / 1000)} s"
    return f"{one.distinct:,} of {one.acknowledged:,} reviews{delay}"


def _gain_and_cost(result: Result) -> Iterator[str]:
    base = next((one for one in result.spark if one.arm == BASELINE), None)
    if base is None or len(result.spark) < 2:  # noqa: PLR2004 - one cannot be held against itself
        yield "What the log gave and cost is not told: the baseline, to which others are held, is alone or missing."
    else:
        for one in result.spark:
            if one is not base and not one.killed_at:
                yield f"What the log gave, {one.arm}: {_beside(one, base)}."
    for one in result.spark:
        held = (one.java_bytes + one.python_bytes) / _MEGA
        yield f"What it cost, {one.arm}: {held:,.0f} MB of memory at most, {one.cpu_s:.0f} s of the processors."
        if one.repeats:
            yield (
                f"{one.arm}: {one.repeats:,} of {one.written:,} messages are repeats, equal to the first;"
                " whoever reads by key does not see them."
            )
        if one.killed_at:
            back = "" if one.back_s is None else f", and the next review was done {figure(one.back_s)} s later"
            yield f"{one.arm}: killed with {one.killed_at:,} done{back}; it went on from its checkpoint."
        if one.dropped_late:
            yield f"{one.arm}: {one.dropped_late:,} rows came after their watermark and were dropped."


def _beside(one: SparkFinding, base: SparkFinding) -> str:
    said = []
    if one.delay_ms.p95 and base.delay_ms.p95:
        said.append(f"{times(one.delay_ms.p95 / base.delay_ms.p95)} the p95 of the baseline's delay")
    if one.burst_s and base.burst_s:
        said.append(f"{one.burst:,} reviews at once in {figure(one.burst_s)} s in place of {figure(base.burst_s)}")
    if base.state_bytes:
        said.append(f"{one.state_bytes / base.state_bytes:.0%} of its memory for state")
    return ", ".join(said) or "nothing that can be told"


def in_words(one: SparkFinding) -> str:
    """Return in a line what one arm came to."""
    why = f": {'; '.join(one.reasons)}" if one.reasons else ""
    repeats = f", {one.repeats:,} repeats" if one.repeats else ""
    return f"{_in_short(one)}{repeats}{why}"


def spark_tables(result: Result) -> Iterator[FigureTable]:
    """Yield the table of arms, that of what they took, and that of what the audit found."""
    if not result.spark:
        return
    yield FigureTable(
        title="Features of reviews by a Spark job",
        caption="delay: from when a review was due at the steady rate until its features were produced; at once: those"
        " that came together, and the seconds until all were done; state: the most that was kept",
        columns=(
            "arm", "reviews", "a second", "delay p50 s", "p95 s", "at once", "took s", "batches", "batch ms",
            "state rows", "state kB",
        ),
        rows=[FigureRow(cells=_arm(one), outcome=_outcome(result, one)) for one in result.spark],
    )  # fmt: skip
    yield FigureTable(
        title="What the job took",
        caption="with a local master Java is driver and executor at once; started: until the query ran; back: from the"
        " kill until the next review was done",
        columns=("arm", "Java MB", "Python MB", "CPU s", "started s", "killed at", "back s"),
        rows=[FigureRow(cells=_took(one)) for one in result.spark],
    )
    yield FigureTable(
        title="Where the features are",
        caption="written: messages; repeats: of a review that had one, equal to it; missing, phantom, differing"
        " should be 0",
        columns=(
            "arm", "messages sent", "reviews", "written", "repeats", "missing", "phantom", "differing", "dropped late",
            "unreadable",
        ),
        rows=[
            FigureRow(
                cells=(
                    one.arm,
                    *(
                        f"{count:,}"
                        for count in (
                            one.messages, one.distinct, one.written, one.repeats, one.missing, one.phantom,
                            one.differing, one.dropped_late, one.unreadable,
                        )
                    ),
                ),
                outcome=one.outcome,
            )
            for one in result.spark
        ],
    )  # fmt: skip


def _outcome(result: Result, one: SparkFinding) -> Outcome:
    """Return the worse of the arm's outcome and those of its targets."""
    found = [one.outcome, *(row.outcome for row in result.targets if row.arm == one.arm)]
    return next((bad for bad in (Outcome.FAIL, Outcome.INVALID, Outcome.INCONCLUSIVE) if bad in found), Outcome.PASS)


def _arm(one: SparkFinding) -> tuple[str, ...]:
    return (
        one.arm,
        f"{one.reviews:,}",
        figure(one.reviews_per_s),
        *(NOTHING if value is None else figure(value / 1000) for value in (one.delay_ms.p50, one.delay_ms.p95)),
        f"{one.burst:,}",
        figure(one.burst_s),
        f"{one.batches:,}",
        figure(one.batch_ms),
        f"{one.state_rows:,}",
        figure(one.state_bytes / 1e3),
    )


def _took(one: SparkFinding) -> tuple[str, ...]:
    return (
        one.arm,
        f"{one.java_bytes / _MEGA:.0f}",
        f"{one.python_bytes / _MEGA:.0f}",
        f"{one.cpu_s:.1f}",
        figure(one.started_s),
        f"{one.killed_at:,}" if one.killed_at else NOTHING,
        figure(one.back_s),
    )

"""Advice on a record's way through the log: batches, linger, partitions, sinks."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from seawall.advice.evidence import Evidence, figure_of, length_s
from seawall.result import Advice, AdviceKind, Outcome, Trial
from seawall.tuning.catalogue import knob_named

ALONE = 2.0
"""So many records a request, or fewer: nearly each goes by itself."""
FILLED = 0.5
"""Of batch.size: more, and that is what keeps batches small."""
MANY_REQUESTS_PER_S = 500.0
"""Below that it hardly matters how full they are."""
FLOOR, LEFT_EARLY = 0.6, 1.5
"""The share of the median answer that linger.ms has to be; more than the second, and records do not wait for it."""
CROWDED = 1.5
"""Times its even share, from which on a partition is told of."""
LEAST_RECORDS = 1_000
STANDARD_DEVIATIONS = 5.0
"""By which the fullest partition has to lie above its share, so that chance does not fill it."""
GROWTH = 0.02
"""Of the offered rate, by which the lag has to grow."""
LEAST_GROWN = 200
"""Records, in a trial: a batch or two that are under way are no lag that grows."""
ONE_CORE = 0.85
"""A process of one thread that keeps so much of a core busy has no more to give."""


def of_the_log(found: Evidence) -> Iterator[Advice]:
    """Yield what trials through Kafka suggest; nothing of other paths."""
    if found.arm.path != "kafka" or not found.trials:
        return
    for rule in (_batches, _linger, _hot_partition, _sink):
        advice = rule(found)
        if advice is not None:
            yield advice


def _batches(found: Evidence) -> Advice | None:
    records = found.median(lambda trial: figure_of(trial.log, "records_per_request"))
    requests = found.median(_requests_per_s)
    size = found.median(lambda trial: figure_of(trial.log, "bytes_per_record"))
    room, linger_ms = _batch_bytes(found), _linger_ms(found)
    if records is None or requests is None or records >= ALONE or requests < MANY_REQUESTS_PER_S:
        return None
    if size is None or not room or records * size >= FILLED * room:
        return None
    evidence = {
        "records_per_request": records,
        "requests_per_s": round(requests, 1),
        "bytes_per_record": size,
        "batch_size_bytes": float(room),
    }
    says = (
        f"The producers sent {requests:,.0f} requests a second, with {records:.2f} records each:"
        f" {records * size / room:.2%} of the {room:,.0f} bytes that batch.size allows"
    )
    now = ""
    if linger_ms is not None:
        evidence["linger_ms"] = linger_ms
        now = f" (now {linger_ms:g})"
    return found.advice(
        AdviceKind.BATCHES,
        f"{says}.",
        f"A larger batch.size would change nothing. Records gather by a longer linger.ms{now}, in fewer partitions, or"
        " in fewer API processes; what that costs in delay, `bin/seawall tune --knob linger.ms` tells.",
        evidence,
    )


def _linger(found: Evidence) -> Advice | None:
    found = found.valid
    linger_ms, p50_ms = _linger_ms(found), found.median(lambda trial: trial.service_ms.p50)
    if not found.trials or not linger_ms or not p50_ms or not FLOOR <= linger_ms / p50_ms <= LEFT_EARLY:
        return None
    why = _why_sooner(found, linger_ms)
    if not why:
        return None
    return found.advice(
        AdviceKind.LINGER,
        f"Half of the answers took up to {p50_ms:.1f} ms, and the producer lets a record wait for others for"
        f" linger.ms = {linger_ms:g} of these. {why}",
        "A shorter linger.ms is what could let answers come sooner; what it does to requests and processor time,"
        " `bin/seawall tune --knob linger.ms` tells.",
        {"linger_ms": linger_ms, "service_p50_ms": p50_ms},
    )


def _why_sooner(found: Evidence, linger_ms: float) -> str:
    """Return why anybody should want sooner answers; empty where nothing shows that."""
    result, arm = found.result, found.arm.name
    for row in result.targets:
        if row.arm == arm and row.metric.startswith("response_") and row.outcome is Outcome.FAIL:
            return f"The target {row.name!r} was missed."
    shipped_ms = float(knob_named("linger.ms").shipped)
    if linger_ms > shipped_ms:
        return f"Shipped are {shipped_ms:g}."
    without = {one.name for one in result.arms if one.path != "kafka"}
    for pair in result.comparisons:
        slower = pair.arm == arm and pair.base in without and pair.kind == "load" and pair.says == "larger"
        if slower and pair.metric == "response_p95_ms" and pair.ratio is not None:
            return f"Their p95 is {pair.ratio:.2f} times that of {pair.base}."
    return ""


def _hot_partition(found: Evidence) -> Advice | None:
    partitions = found.partitions
    fullest = found.median(lambda trial: figure_of(trial.spread, "fullest"))
    records = found.median(lambda trial: trial.audit.stored)
    if fullest is None or records is None or not partitions or partitions == 1 or records < LEAST_RECORDS:
        return None
    # Chance fills some partition a little more; the fullest may be of any of three entities.
    share = records / 3 / partitions
    if fullest < max(CROWDED, 1 + STANDARD_DEVIATIONS / sqrt(share)):
        return None
    evidence = {"fullest_times_even": fullest, "partitions": float(partitions), "records": records}
    says = (
        f"The fullest of {partitions} partitions got {fullest:.2f} times its even share, over {records:,.0f} records a"
        " trial"
    )
    lag = found.median(lambda trial: figure_of(trial.lag, "maximum"))
    worst = found.median(
        lambda trial: None if trial.lag is None else max(trial.lag.partition_maximum.values(), default=0)
    )
    if lag and worst is not None:
        evidence |= {"lag_maximum": lag, "lag_maximum_of_one_partition": worst}
        says += f"; of a lag of up to {lag:,.0f} records, one partition had up to {worst:,.0f}"
    return found.advice(
        AdviceKind.HOT_PARTITION,
        f"{says}.",
        "One sink alone reads a partition, so more sinks do not share that one's work: keys that spread do, or another"
        " `partition_by`, which changes what stays in order (docs/tuning.md, Partitions).",
        evidence,
    )


def _sink(found: Evidence) -> Advice | None:
    slope = found.median(lambda trial: figure_of(trial.lag, "slope_per_s"))
    low = found.median(lambda trial: figure_of(trial.lag, "slope_low"))
    if slope is None or low is None or not found.offered_per_s:
        return None
    seconds = found.median(lambda trial: trial.duration_s) or 0.0
    if low <= 0 or slope < GROWTH * found.offered_per_s or slope * seconds < LEAST_GROWN:
        return None
    names = sorted({name for trial in found.trials for name in trial.cores if name.startswith("sink")})
    busiest = found.median(
        lambda trial: max((trial.cores[name] for name in names if name in trial.cores), default=None)
    )
    evidence = {"lag_slope_per_s": slope, "lag_slope_low_per_s": low, "offered_per_s": found.offered_per_s}
    says = (
        f"Sinks stored less than came in: of {found.offered_per_s:,.0f} requests offered a second the lag grew by"
        f" {slope:,.0f} records (95 % interval from {low:,.0f} on)"
    )
    if busiest is None:
        return found.advice(AdviceKind.SINK, f"{says}.", "See what the sinks wait for: `bin/seawall watch`.", evidence)
    evidence |= {"busiest_sink_cores": busiest, "sinks": float(len(names))}
    says += f"; the busiest of {len(names)} kept {busiest:.0%} of a core busy."
    return found.advice(AdviceKind.SINK, says, _more_of_sinks(found, busiest, len(names)), evidence)


def _more_of_sinks(found: Evidence, busiest: float, sinks: int) -> str:
    rows = found.median(lambda trial: figure_of(trial.log, "rows_per_batch"))
    if busiest < ONE_CORE:
        gathered = "" if rows is None else f" They wrote {rows:,.1f} rows a transaction."
        return (
            f"Processor time is not what they lack, so they wait, for the database or for records.{gathered}"
            " `bin/seawall tune --knob SEAWALL_SINK_BATCH_SIZE` tells what larger transactions do."
        )
    partitions = found.partitions
    if partitions and sinks >= partitions:
        return (
            f"There is a sink for each of {partitions} partitions: more sinks need more of these first"
            " (`bin/seawall up --partitions`)."
        )
    return "One process uses one core: start more sinks (--sinks), at most one for each partition."


def _requests_per_s(trial: Trial) -> float | None:
    seconds = length_s(trial)
    return None if trial.log is None or seconds is None else trial.log.requests / seconds


def _linger_ms(found: Evidence) -> float | None:
    """Return what the producers of all trials ran with; None where they differ or did not say."""
    said = {trial.log.linger_ms for trial in found.trials if trial.log is not None}
    return said.pop() if len(said) == 1 else None


def _batch_bytes(found: Evidence) -> int | None:
    said = {trial.log.batch_bytes for trial in found.trials if trial.log is not None}
    return said.pop() if len(said) == 1 else None

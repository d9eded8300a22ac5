"""Controls of the audit: records that are lost, altered or doubled on purpose, and servers that are killed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from seawall.experiments.control_bench import HONEST, ControlBench, OnProgress
from seawall.experiments.trial import NOTHING_BESIDE
from seawall.result import Outcome, Trial

RECORDS = 3_000
"""Of a trial in which one in 1,000 (or 500) is touched: three or six of them, each of which the audit names."""
KILL_USERS, KILL_RATE_PER_S, KILL_DURATION_S = 60, 5.0, 5.0
KILL_AFTER = 600
"""Answers after which the kill comes: two seconds into the five."""
IN_SOCKETS_NS = 100_000_000
"""What left the API so long before the broker stood still may have lain in its socket, too."""

Verdict = tuple[str, Outcome]
"""What was found, in words, and whether it is right."""


def dropped_directly(bench: ControlBench) -> Verdict:
    """Answer 201 for records that are never written."""
    return _named(bench.data("drop-sync", "drop 1000", path="sync", count=RECORDS), "lost", bench.deeds("dropped"))


def dropped_before_the_log(bench: ControlBench) -> Verdict:
    """Answer 202 for records that are never published."""
    trial = bench.data("drop-kafka", "drop 1000", path="kafka", count=RECORDS)
    found, outcome = _named(trial, "lost", bench.deeds("dropped"))
    if trial.audit.never_logged != trial.audit.lost:
        return f"{found}, of which {trial.audit.never_logged} never logged", Outcome.FAIL
    return f"{found}; never logged", outcome


def altered(bench: ControlBench) -> Verdict:
    """Change a field of some records before they are written."""
    return _named(bench.data("alter", "alter 1000", path="sync", count=RECORDS), "corrupted", bench.deeds("altered"))


def logged_twice(bench: ControlBench) -> Verdict:
    """Publish some records twice; the sink's idempotent insert has to absorb that."""
    trial = bench.data("log-twice", "log-twice 20", path="kafka", count=RECORDS // 2)
    planted = len(bench.deeds("repeated"))
    counts = trial.audit
    found = f"{counts.log_duplicates} of {planted} twice in the log, {counts.duplicates} twice in the table"
    if not planted:
        return "nothing was published twice", Outcome.INVALID
    return found, _right(counts.log_duplicates == planted and counts.clean and trial.outcome is not Outcome.FAIL)


def stored_twice(bench: ControlBench) -> Verdict:
    """Insert some records twice into tables that have lost their primary keys."""
    trial = bench.data("store-twice", "store-twice 500", path="kafka", count=RECORDS)
    return _named(trial, "duplicates", bench.deeds("repeated"))


def acknowledged_early(bench: ControlBench) -> Verdict:
    """Kill an API that answers before the broker does, with records in its buffer."""
    trial = _with_kill(bench, "early-ack", "early-ack 200", bench.killing("api", KILL_AFTER))
    return _lost_by_kill(trial, bench.deeds("buffered") - bench.deeds("delivered"), "never_logged")


def offsets_before_rows(bench: ControlBench) -> Verdict:
    """Kill a sink that commits offsets before the rows of them."""
    trial = _with_kill(bench, "early-offsets", "early-offsets", bench.killing("sink-1", KILL_AFTER))
    found, outcome = _lost_by_kill(trial, bench.deeds("committed") - bench.deeds("stored"), "not_stored")
    ahead = trial.audit.offsets_ahead
    if outcome is Outcome.PASS and ahead < trial.audit.lost:
        outcome = Outcome.FAIL
    return f"{found}; {ahead} offsets seen ahead of their rows", outcome


def without_acks(bench: ControlBench) -> Verdict:
    """Answer as soon as a record has left the process, and kill the broker after it has hung for a second."""
    hanging = bench.hanging("kafka-1", KILL_AFTER)
    trial = _with_kill(bench, "acks-0", "acks-0", hanging.watch, hanging)
    since_ns = (hanging.since_ns or 0) - IN_SOCKETS_NS
    at_risk = {one for deed in bench.events("sent") if deed.at_ns >= since_ns for one in deed.ids}
    return _lost_by_kill(trial, at_risk, "never_logged")


def honest_broker_killed(bench: ControlBench) -> Verdict:
    """Do the same to a broker whose acks are awaited."""
    hanging = bench.hanging("kafka-1", KILL_AFTER)
    return _nothing_lost(_with_kill(bench, "honest-broker", HONEST, hanging.watch, hanging), "kafka-1")


def only_replica_wiped(bench: ControlBench) -> Verdict:
    """Take the only broker's disk away while records lie in the log that no sink has stored."""
    wiping = bench.wiping("kafka-1", KILL_AFTER)
    trial = _with_kill(bench, "wiped-replica", HONEST, wiping.watch, wiping)
    if not trial.restarts or not wiping.only_logged:
        return "nothing was wiped: no restart, or nothing lay in the log alone", Outcome.INVALID
    counts = trial.audit
    words = f"{trial.outcome.value}: {counts.lost} lost, {counts.never_logged} of them not in the log (any more)"
    words += f"; {wiping.only_logged} lay in the log alone, {counts.unknown} without an answer"
    others = _others(trial, ["lost"])
    right = 0 < counts.lost <= wiping.only_logged and counts.never_logged == counts.lost and not others
    return ", ".join([words, *others]), _right(right and trial.outcome is Outcome.FAIL)


def honest_api_killed(bench: ControlBench) -> Verdict:
    """Kill the API that answers after the broker's ack: whatever it answered must be there."""
    return _nothing_lost(_with_kill(bench, "honest-api", HONEST, bench.killing("api", KILL_AFTER)), "api")


def honest_sink_killed(bench: ControlBench) -> Verdict:
    """Kill the sink that commits offsets after the rows: it reads a batch again, and none is missing."""
    return _nothing_lost(_with_kill(bench, "honest-sink", HONEST, bench.killing("sink-1", KILL_AFTER)), "sink-1")


def _with_kill(
    bench: ControlBench,
    name: str,
    fault: str,
    on_progress: OnProgress,
    beside: AbstractContextManager[object] = NOTHING_BESIDE,
) -> Trial:
    return bench.load(
        name,
        fault,
        path="kafka",
        users=KILL_USERS,
        rate_per_s=KILL_RATE_PER_S,
        duration_s=KILL_DURATION_S,
        on_progress=on_progress,
        beside=beside,
    )


def _named(trial: Trial, kind: str, planted: set[str]) -> Verdict:
    """Judge whether the audit names exactly the *planted* ids as *kind*, and nothing else is wrong."""
    if not planted:
        return "the fault touched no record", Outcome.INVALID
    named = set(trial.examples.get(kind, []))
    others = _others(trial, [kind])
    same = named == planted
    words = f"{getattr(trial.audit, kind)} {kind}, {'the very ids' if same else 'not the ids'} that were planted"
    exact = same and getattr(trial.audit, kind) == len(planted)
    return ", ".join([f"{trial.outcome.value}: {words}", *others]), _right(
        exact and not others and trial.outcome is Outcome.FAIL
    )


def _lost_by_kill(trial: Trial, planted: set[str], kind: str) -> Verdict:
    """Judge whether the audit found something lost, all of it *planted* and of this *kind*.

    It need not be all that was planted: what was on its way when the kill came may have arrived.
    """
    if not trial.restarts or not planted:
        return "the kill hit nothing: no restart, or nothing was on its way", Outcome.INVALID
    counts = trial.audit
    named = set(trial.examples.get("lost", []))
    words = f"{trial.outcome.value}: {counts.lost} lost, {getattr(counts, kind)} of them {_words(kind)}"
    words += f"; {len(planted)} were on their way, {counts.unknown} without an answer"
    right = 0 < counts.lost <= len(planted) and named <= planted and getattr(counts, kind) == counts.lost
    return words, _right(right and trial.outcome is Outcome.FAIL)


def _nothing_lost(trial: Trial, service: str) -> Verdict:
    if service not in trial.restarts:
        return f"{service} was not started again", Outcome.INVALID
    counts = trial.audit
    absorbed = f", {counts.absorbed_duplicates} read again and absorbed" if counts.absorbed_duplicates else ""
    found = f"{counts.lost} lost of {counts.acknowledged:,} acknowledged, {counts.unknown} unknown{absorbed}"
    others = _others(trial, [])
    return ", ".join([found, *others]), _right(not others)


def _others(trial: Trial, kinds: Iterable[str]) -> list[str]:
    """Return what else the audit counts against the trial, in words."""
    return [f"{count} {_words(name)}" for name, count in trial.audit.violations.items() if name not in kinds]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _right(right: bool) -> Outcome:  # noqa: FBT001 - the one thing that it is about
    return Outcome.PASS if right else Outcome.FAIL

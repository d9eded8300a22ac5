"""What an experiment leaves open, whatever it found."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.experiment_names import FAULT, PLAIN, SOAK, TUNE
from seawall.report.scenarios import scenario_of
from seawall.result import Result
from seawall.result.agreement import AGREEMENT
from seawall.result.bursts import INGEST

_WITHOUT_A_CLUSTER = (
    "The controllers of a cluster themselves, and what feeds them: their formulas and numbers decided here.",
    "Pods that have to be scheduled and their images pulled before they start.",
    "A network between load, service and servers, and more than one machine.",
)


_NEVER_MEASURED = {
    FAULT: (
        "What a power failure leaves: a process that is killed leaves its writes in the page cache.",
        "Machines that fail: all servers share one, its disk and its kernel.",
        "Other loads than this one, and other paths.",
    ),
    INGEST: (
        "Other rates, and longer or shorter bursts: `bin/seawall capacity --bursts` searches for the highest.",
        "How much bursts differ: there was one a path.",
        "A service that grows with its load, and more machines than this one.",
        "Faults: what happens when a server dies or stalls meanwhile.",
    ),
    TUNE: (
        "Other rates than this one: what a knob does at the limit of the servers, or far below it, may differ.",
        "Other knobs than those that were turned: what one does may depend on another, which a plan tells.",
        "A network between load, service and servers, and more than one machine.",
    ),
    SOAK: (
        "Other loads than this one, and other paths.",
        "Faults, and a load that changes: what leaks only then does not show here.",
        "The short gaps between segments, in which no load runs: the log drains, and the audit reads.",
    ),
    "scale": (
        "What these processes carry on machines of their own: that is projected.",
        "How much the servers behind them carry, and the network between them.",
        "Numbers of processes beyond those above.",
    ),
    **dict.fromkeys(
        PLAIN,
        (
            "Other rates than the one above: where the service's limit lies.",
            "What the service's own machines did meanwhile.",
            "The same load again: one run does not tell how much runs differ.",
        ),
    ),
    AGREEMENT: (
        "Other loads than this one, and what either tool does at its own limit.",
        "Whether both are right: a server of known times tells that, see `bin/seawall bench latency`.",
    ),
}
"""What an experiment leaves open, whatever it found."""


def not_measured(result: Result) -> Iterator[str]:
    """Yield what this run did not measure."""
    if result.experiment in PLAIN and result.not_judged:
        yield f"What needs a look into the database: {', '.join(result.not_judged)}."
    scenario = scenario_of(result)
    if scenario is not None:
        yield from scenario.not_measured
        return
    if result.elasticity:
        yield from _WITHOUT_A_CLUSTER
        return
    if result.experiment in _NEVER_MEASURED:
        yield from _NEVER_MEASURED[result.experiment]
        return
    tested = {arm.path for arm in result.arms}
    missing = [path for path in ("sync", "grouped", "kafka") if path not in tested]
    if missing:
        yield f"The write paths {', '.join(missing)}."
    if not any(trial.kind == "load" for trial in result.trials):
        yield "Any load: users on a schedule, and so no target."
    if not any(trial.kind == "data" for trial in result.trials):
        yield "Equal numbers of records sent at once."
    if not (result.stages or result.capacity):
        yield "Other rates than the one above: where a path's limit lies, and from which rate on the answer turns."
    yield "A network between load, service and servers, and more than one machine."
    yield "Faults: what happens when a server dies or stalls."
    judged = {row.metric for row in result.targets}
    if "availability" not in judged:
        yield "Availability, users and writes a second as targets: a run that is meant to attain them judges them."

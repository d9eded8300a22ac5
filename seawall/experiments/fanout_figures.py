"""What a trial of `stream fanout` tells: what each group got done, how fast, and what the storing one kept."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from seawall.audit.group_results import Checked
from seawall.audit.ledger import NEVER
from seawall.experiments.fanout_groups import Progress, Readers, store_name
from seawall.experiments.fanout_judgement import judged
from seawall.experiments.feed_trial import FeedTrial
from seawall.experiments.figures import cpu_of_database
from seawall.experiments.seconds import reached
from seawall.experiments.stream_fanout_options import TrialPlan
from seawall.result import Outcome, Trial
from seawall.result.fanout import PLAIN, SLOW, STORE, FanoutFinding, GroupFigures


def fanout_finding(
    plan: TrialPlan,
    ran: FeedTrial,
    readers: Readers,
    checked: Mapping[str, tuple[Checked, frozenset[str]]],
    before: Sequence[FanoutFinding],
) -> FanoutFinding:
    """Return what one trial found; *before* are the findings of earlier ones."""
    trial, records = ran.trial, int(ran.ledger.acked.sum())
    first_ns = int(ran.ledger.sent_ns.min())
    groups = [_store(ran, records, first_ns)]
    for reader in readers.readers:
        progress, (result, buried) = readers.progress[reader.name], checked[reader.name]
        groups.append(
            GroupFigures(
                name=reader.name,
                kind=reader.kind,
                done=progress.done,
                buried=len(buried),
                per_s=_per_s(progress, records, first_ns),
                cpu_s=trial.cpu_s.get(reader.name, 0.0),
                right=result.right,
                said=result.said,
                course=reached(progress.steps, first_ns),
            )
        )
    store = groups[0]
    spent_s = store.cpu_s + cpu_of_database(trial.cpu_s)
    per_cpu_s = round(records / spent_s, 3) if spent_s else None
    alone = next((one for one in before if one.count == 1), None)
    finding = FanoutFinding(
        arm=plan.arm,
        trial=trial.name,
        what=plan.what,
        count=plan.count,
        records=records,
        groups=groups,
        store_per_s=store.per_s,
        store_kept=_share(store.per_s, alone.store_per_s if alone else None),
        store_per_cpu_s=per_cpu_s,
        store_kept_per_cpu_s=_share(per_cpu_s, alone.store_per_cpu_s if alone else None),
        others_kept=_others_kept(plan, groups, before, readers),
        cores=round(ran.cores, 3),
        others_cores=round(ran.others_cores, 3),
        machine_cores=len(os.sched_getaffinity(0)),
        lost=trial.audit.lost,
        doubled=trial.audit.duplicates,
        pending=trial.audit.pending,
        outcome=Outcome.PASS,
    )
    outcome, reasons = judged(finding, trial, settled=ran.settled)
    return msgspec.structs.replace(finding, outcome=outcome, reasons=reasons)


def _store(ran: FeedTrial, records: int, first_ns: int) -> GroupFigures:
    """Return the figures of the ordinary sinks."""
    trial: Trial = ran.trial
    seen = ran.fates.visible_ns[ran.fates.visible_ns != NEVER]
    done = len(seen)
    took_s = (int(seen.max()) - first_ns) / 1e9 if done else 0.0
    clean = not trial.audit.violations
    steps = list(zip(np.sort(seen).tolist(), range(1, done + 1), strict=True))
    return GroupFigures(
        name=store_name(),
        kind=STORE,
        done=done,
        buried=trial.audit.dead_lettered,
        per_s=round(records / took_s, 3) if done == records and took_s > 0 else None,
        cpu_s=round(sum(seconds for name, seconds in trial.cpu_s.items() if name.startswith("sink-")), 3),
        right=clean,
        said=f"{done:,} rows, audited" if clean else "; ".join(trial.reasons),
        course=reached(steps, first_ns),
    )


def _per_s(progress: Progress, records: int, first_ns: int) -> float | None:
    if progress.done + progress.buried < records or progress.last_ns <= first_ns:
        return None
    return round(records / ((progress.last_ns - first_ns) / 1e9), 3)


def _share(value: float | None, whole: float | None) -> float | None:
    return round(value / whole, 4) if value and whole else None


def _others_kept(
    plan: TrialPlan, groups: Sequence[GroupFigures], before: Sequence[FanoutFinding], readers: Readers
) -> float | None:
    """Return the least share of its throughput that another group has kept beside a slow one."""
    same = (one for one in before if (one.arm, one.count, one.what) == (plan.arm, plan.count, PLAIN))
    usual = next(same, None)
    if plan.what != SLOW or usual is None or readers.odd is None:
        return None
    shares = [
        share
        for group, other in zip(groups, usual.groups, strict=True)
        if group.name != readers.odd.name and (share := _share(group.per_s, other.per_s)) is not None
    ]
    return min(shares, default=None)

"""A trial that breaks off ends no experiment: it is INVALID, and the others follow once the stack is whole."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psycopg
import pymysql
from confluent_kafka import KafkaException

from seawall.audit.errors import AuditFailed
from seawall.experiments.draining import AWAIT_POLL_S
from seawall.experiments.errors import ArmNotMade, LoadFailed, NotHealed
from seawall.experiments.trial import TrialPlan
from seawall.result import Arm, Outcome, Trial
from seawall.stack.errors import NotAdjusted, NotRunning, NotSettled, ServerFailed, Unreachable
from seawall.stack.stack import Stack

BREAKS = (
    ArmNotMade, AuditFailed, KafkaException, LoadFailed, NotAdjusted, NotRunning, NotSettled, ServerFailed, Unreachable,
    psycopg.Error, pymysql.MySQLError,
)  # fmt: skip
"""What ends one trial and need not end the others: settings that a server does not take, or a server that died."""
WHOLE_WITHIN_S = 120.0
NOT_MADE = "not made"


def broken_trial(plan: TrialPlan, error: Exception) -> Trial:
    """Return the trial that *error* broke off, of which there are no figures."""
    reason = f"broke off: {str(error).strip() or type(error).__name__}"
    load = plan.load
    return Trial(
        name=load.name,
        kind=plan.kind,
        arm=plan.arm,
        block=plan.block,
        entity=load.entity,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        users=load.users,
        count=load.count,
        warmup_s=load.warmup_s,
        audited=False,
        invalid_because=[reason],
        outcome=Outcome.INVALID,
        reasons=[reason],
    )


def is_broken(trial: Trial) -> bool:
    """Tell whether the trial broke off before it had figures."""
    return trial.schedule_start_ns is None


def unmade_arm(plan: TrialPlan) -> Arm:
    """Return what stands for an arm as long as none of its trials came about."""
    return Arm(name=plan.arm, path=plan.load.path, durability=NOT_MADE)


def await_whole(stack: Stack) -> None:
    """Wait until every service is there again and can work; raises `NotHealed` when that takes too long."""
    deadline_s = time.monotonic() + WHOLE_WITHIN_S
    while True:
        try:
            missing = stack.missing()
        except Unreachable as error:
            missing = str(error)
        if not missing:
            return
        if time.monotonic() > deadline_s:
            raise NotHealed(f"{WHOLE_WITHIN_S:g} s after a trial broke off the stack was not whole: {missing}")
        time.sleep(AWAIT_POLL_S)

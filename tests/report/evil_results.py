"""A result whose every name and reason tries to break out of the page."""

from __future__ import annotations

import msgspec

from seawall.result import Advice, AdviceKind, Outcome, Result

EVIL = "<script>alert(1)</script>&\"'"


def evil(result: Result) -> Result:
    """Return *result* with one arm, and with `EVIL` wherever users can put a text."""
    first = result.arms[0]
    arm = msgspec.structs.replace(first, name=EVIL, durability=EVIL, settings={EVIL: {EVIL: EVIL}})
    trials = [
        msgspec.structs.replace(
            t, arm=EVIL, name=EVIL, reasons=[EVIL], invalid_because=[EVIL] * (n == 0), examples={"lost": [EVIL]}
        )
        for n, t in enumerate(trial for trial in result.trials if trial.arm == first.name)
    ]
    targets = [msgspec.structs.replace(row, arm=EVIL, name=EVIL, reason=EVIL) for row in result.targets[:2]]
    return msgspec.structs.replace(
        result,
        arms=[arm],
        trials=trials,
        targets=targets,
        comparisons=[],
        advice=[
            Advice(kind=AdviceKind.SINK, arm=EVIL, says=EVIL, advice=EVIL, details=["SELECT " + "a_column, " * 60])
        ],
        verdicts={EVIL: Outcome.FAIL},
        environment={EVIL: EVIL},
    )

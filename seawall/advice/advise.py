"""Puts advice into a result."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall.advice.evidence import Evidence, evidence_of
from seawall.advice.of_caches import of_caches
from seawall.advice.of_statements import of_statements
from seawall.advice.of_the_log import of_the_log
from seawall.result import Advice, Result

NOT_OF = {"fault", "controls", "stream-ingest"}
"""Experiments in which something is broken or overwhelmed on purpose, as in those that follow an autoscaler."""


def advised(result: Result) -> Result:
    """Return *result* with what its figures suggest; nothing where they suggest nothing.

    Each kind of advice on an arm is given once, at the highest load at which it holds.
    """
    if result.experiment in NOT_OF or result.elasticity:
        return result
    return msgspec.structs.replace(result, advice=list(_advice(result)))


def _advice(result: Result) -> Iterator[Advice]:
    given = set()
    for found in evidence_of(result):
        for about, advice in _by_subject(found):
            if (found.arm.name, about) not in given:
                given.add((found.arm.name, about))
                yield advice


def _by_subject(found: Evidence) -> Iterator[tuple[str, Advice]]:
    """Yield each advice with what it is about, in words that no other one has."""
    yield from ((advice.kind, advice) for advice in of_the_log(found))
    yield from ((f"lookups of {name}", advice) for name, advice in of_caches(found))
    yield from ((f"{advice.kind}: {advice.details[0]}", advice) for advice in of_statements(found))

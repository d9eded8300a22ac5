"""One outcome out of many."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.result import Outcome

_PRECEDENCE = (Outcome.FAIL, Outcome.INVALID, Outcome.INCONCLUSIVE, Outcome.PASS)


def verdict(outcomes: Iterable[Outcome]) -> Outcome:
    """Return FAIL if anything failed, else INVALID, INCONCLUSIVE or PASS, in that order; INVALID for nothing at all.

    "All targets hold" is a conjunction: one that is known to be missed decides it, and one of which nothing is known
    leaves it open (Kleene 1938). That lets verdicts be taken of verdicts: of targets, then of trials, then of arms. No
    figure of an invalid trial gets here as FAIL, since `judge` lets only what the audit counted be one there.
    """
    found = set(outcomes)
    return next((outcome for outcome in _PRECEDENCE if outcome in found), Outcome.INVALID)


def verdict_of_run(outcomes: Iterable[Outcome], *, whole: bool) -> Outcome:
    """Return the `verdict` of a run: one that is not *whole* says nothing, unless something failed."""
    found = set(outcomes)
    return verdict(found) if whole or Outcome.FAIL in found else Outcome.INVALID

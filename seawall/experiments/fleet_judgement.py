"""What a trial of the fleet concludes, and what becomes of the claims that are made of such a cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.result import Outcome, Trial
from seawall.result.cache_fleet import COLD, FROM_CACHE, FROM_DATABASE, WARM, FleetClaim, FleetFinding, Outage
from seawall.targets.verdict import verdict_of_run

CLAIMED_SAVED, ASKED_SAVED, CLAIMED_FASTER = 0.98, 0.99, 100.0
LEAST_PICKS = 20
"""With fewer a median says nothing."""
ONE_TRIAL = "One trial of each: how much they differ from run to run is not known."


def judged(found: FleetFinding, trial: Trial, refresh_s: float) -> tuple[Outcome, list[str]]:
    """Return the outcome of one trial, and why.

    What was acknowledged and is lost, doubled or pending is a FAIL. INVALID where the instrument was late, or the trial
    was not what it was meant to be: a warm cache that was not full, a loader that failed.
    INCONCLUSIVE where it was too short to see every entry grow old.
    """
    if trial.outcome is Outcome.FAIL:
        return Outcome.FAIL, list(trial.reasons)
    untold = [*trial.invalid_because, *_not_as_meant(found)]
    if trial.unsent:
        untold.append(
            f"{trial.unsent:,} orders of the schedule were not made in time: more --buyers, or a lower --rate"
        )
    if untold:
        return Outcome.INVALID, untold
    if trial.outcome is Outcome.INCONCLUSIVE:
        return Outcome.INCONCLUSIVE, list(trial.reasons)
    if found.source == FROM_CACHE and (trial.duration_s or 0.0) < refresh_s:
        short = f"{trial.duration_s:g} s are less than the {refresh_s:g} s after which an entry is read anew"
        return Outcome.INCONCLUSIVE, [f"{short}: --duration longer, --refresh shorter, or --compress"]
    return Outcome.PASS, []


def _not_as_meant(found: FleetFinding) -> Iterator[str]:
    """Say what keeps the trial from telling what it is run for."""
    if found.source == FROM_CACHE:
        if found.begun == WARM and found.filled_s != 0.0:
            yield "the cache was not full when the orders began"
        if found.filled_s is None:
            yield "the cache was never filled: see logs/cache-loader.log"
    if found.away:
        yield from _not_away(found)
    elif found.load_failures:
        yield f"{found.load_failures} loads failed: see logs/cache-loader.log"
    if found.pick_ms.samples < LEAST_PICKS:
        yield f"{found.pick_ms.samples} answers of the {found.source} are too few: --rate or --duration"
    if found.nobody:
        yield f"for {found.nobody:,} picks neither cache nor database gave anybody"


def _not_away(found: FleetFinding) -> Iterator[str]:
    """Say what keeps an outage from telling what it is made for."""
    if found.outage is None:
        yield "the nodes did not die, or died too late: --duration longer"
    elif not found.outage.from_database:
        yield "nobody missed the nodes that were away: --rate or --duration"
    elif not found.outage.whole:
        yield "the nodes did not become a cluster again: see logs/valkey-1.log"


def claims_of(findings: Sequence[FleetFinding], refresh_s: float) -> Iterator[FleetClaim]:
    """Yield each claim, for each number of rows of which both sides were measured."""
    for rows in dict.fromkeys(finding.rows for finding in findings):
        here = {finding.arm: finding for finding in findings if finding.rows == rows}
        told = {name: one for name, one in here.items() if one.outcome is not Outcome.INVALID}
        without = next((one for one in here.values() if one.source == FROM_DATABASE), None)
        full = next((one for one in here.values() if one.begun == WARM and not one.away), None)
        sure = bool(full and without and full.arm in told and without.arm in told)
        if full and without:
            yield _saved(rows, full, without, sure=sure)
            yield _faster(rows, full, without, sure=sure)
        if full:
            yield _age(rows, full, refresh_s, sure=full.arm in told)
        cold = next((one for one in here.values() if one.begun == COLD), None)
        if full and cold:
            yield _warm(rows, full, cold, sure=full.arm in told and cold.arm in told)
        for one in here.values():
            if one.outage is not None:
                yield _away(rows, one, one.outage, sure=one.arm in told)


def _saved(rows: int, full: FleetFinding, without: FleetFinding, *, sure: bool) -> FleetClaim:
    before, after = without.queries_per_min, full.queries_per_min
    saved = 1 - after / before if before else 0.0
    steady = full.load_queries_per_min / (1 - CLAIMED_SAVED)
    return FleetClaim(
        rows=rows,
        name="database queries saved",
        claimed=f"{CLAIMED_SAVED:.0%}",
        measured=f"{saved:.2%}: {after:,.0f} a minute in place of {before:,.0f}",
        holds=saved >= CLAIMED_SAVED if sure else None,
        why=(
            f"the loader's {full.load_queries_per_min:.3g} statements a minute do not depend on the load, so the claim"
            f" holds from {steady:,.0f} statements a minute on"
        ),
    )


def _faster(rows: int, full: FleetFinding, without: FleetFinding, *, sure: bool) -> FleetClaim:
    quick, slow = full.pick_ms.p50, without.pick_ms.p50
    times = slow / quick if quick and slow else None
    holds = None if times is None or not sure else times >= CLAIMED_FASTER
    why = ""
    if full.bare_p50_ms and slow and not holds and full.bare_p50_ms < slow:
        at_best = slow / full.bare_p50_ms
        why = (
            f"a round trip to Valkey that asks for nothing takes {_number(full.bare_p50_ms)} ms already, so over a"
            f" connection no cache can be more than {at_best:.1f} times as quick as {_number(slow)} ms"
        )
    return FleetClaim(
        rows=rows,
        name="lookups quicker, p50",
        claimed=f"{CLAIMED_FASTER:.0f} times",
        measured=f"{_number(times)} times: {_number(quick)} ms in place of {_number(slow)} ms",
        holds=holds,
        why=why,
    )


def _age(rows: int, full: FleetFinding, refresh_s: float, *, sure: bool) -> FleetClaim:
    bound_s = refresh_s + (full.load_longest_s or 0.0)
    stale = f"{full.stale:,} of {full.orders:,} orders at a price that was another already"
    longest = f", for {full.stale_longest_s:.1f} s at most" if full.stale_longest_s is not None else ""
    return FleetClaim(
        rows=rows,
        name="age of answers",
        claimed=f"{refresh_s:g} s and a load at most",
        measured=f"{_number(full.age_max_s)} s at most, p50 {_number(full.age_p50_s)} s; {stale}{longest}",
        holds=full.age_max_s <= bound_s + 1.0 if sure and full.age_max_s is not None else None,
    )


def _warm(rows: int, full: FleetFinding, cold: FleetFinding, *, sure: bool) -> FleetClaim:
    return FleetClaim(
        rows=rows,
        name="filled before traffic",
        claimed="no miss",
        measured=(
            f"{full.misses:,} misses; {cold.misses:,} where it began cold, which was full after"
            f" {_number(cold.filled_s)} s: until then {_asked_until(cold, cold.filled_s):,} statements of picks,"
            f" against {_asked_until(full, cold.filled_s):,}"
        ),
        holds=full.misses == 0 if sure else None,
    )


def _asked_until(finding: FleetFinding, until_s: float | None) -> int:
    """Return the statements of picks in the seconds that began before *until_s*."""
    return sum(one.queries for one in finding.moments if until_s is None or one.at_s - 0.5 < until_s)


def _away(rows: int, found: FleetFinding, outage: Outage, *, sure: bool) -> FleetClaim:
    harmed = found.lost + found.doubled + found.nobody + outage.failed
    back = "not back in the trial" if outage.back_s is None else f"from the cache again {outage.back_s:.1f} s after it"
    return FleetClaim(
        rows=rows,
        name="a node away" if found.away == 1 else "no majority",
        claimed="the database is asked, nothing is lost",
        measured=(
            f"{outage.end_s - outage.begin_s:.1f} s without {' and '.join(outage.nodes)}: {outage.from_database:,} of"
            f" {outage.orders:,} picks by the database, {outage.failed:,} orders not accepted, {found.lost:,} lost,"
            f" {found.doubled:,} doubled; {back}"
        ),
        holds=not harmed if sure else None,
        why=(
            "that node holds the fleet's users, and its share of the keys is nowhere else"
            if found.away == 1
            else "the node that is left answers for nothing, not even for its own keys"
        ),
    )


def outcome_of(findings: Sequence[FleetFinding], *, whole: bool) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed."""
    return verdict_of_run((finding.outcome for finding in findings), whole=whole)


def reasons_of(findings: Sequence[FleetFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{finding.trial}: {reason}" for finding in findings for reason in finding.reasons]
    return [*found, ONE_TRIAL] if findings else found


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004

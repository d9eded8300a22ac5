"""From which rate, burst or delay of the database on does the log pay? Read off the capacities of the paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from seawall.result import BreakEven, CapacityFinding
from seawall.stats.capacity import Limit

LOG = "kafka"
BY_RATE, BY_DATABASE_DELAY, BY_FLUSH_DELAY, BY_BURST = "rate", "database delay", "flush delay", "burst"
TOLD_APART = 1.1
"""Capacities nearer than this, as a ratio, are the same: a search finds its knee again within so much."""

_Key = Callable[[CapacityFinding], float]


def break_even(findings: Iterable[CapacityFinding]) -> list[BreakEven]:
    """Return where the log begins to pay against each other path, by each factor of which there are several levels."""
    known = [finding for finding in findings if finding.confirmed]
    steady = [finding for finding in known if finding.burst_s is None]
    plain = [finding for finding in known if not finding.database_delay_ms and not finding.flush_delay_ms]
    found: list[BreakEven] = []
    for base in dict.fromkeys(finding.path for finding in known if finding.path != LOG):
        found += _by_rate(base, [one for one in steady if one in plain])
        found += _by_level(
            base, BY_DATABASE_DELAY, "ms", [one for one in steady if not one.flush_delay_ms], _database_delay
        )
        found += _by_level(
            base, BY_FLUSH_DELAY, "ms", [one for one in steady if not one.database_delay_ms], _flush_delay
        )
        found += _by_level(base, BY_BURST, "s", [one for one in plain if one.burst_s is not None], _burst)
    return found


def _database_delay(finding: CapacityFinding) -> float:
    return finding.database_delay_ms


def _flush_delay(finding: CapacityFinding) -> float:
    return finding.flush_delay_ms


def _burst(finding: CapacityFinding) -> float:
    return finding.burst_s or 0.0


def _by_rate(base: str, findings: list[CapacityFinding]) -> Iterator[BreakEven]:
    own, other = _carried(findings, LOG), _carried(findings, base)
    if own is None or other is None:
        return
    if own > other * TOLD_APART:
        says = f"above {other:,.0f}/s, up to {own:,.0f}/s: {base} holds the targets below that by itself"
        yield BreakEven(base=base, by=BY_RATE, low=other, high=own, unit="/s", says=says)
    else:
        tried = all(finding.limit == Limit.MOST.value for finding in findings if finding.path in (base, LOG))
        says = f"at no rate: {base} carries {other:,.0f}/s, {LOG} {own:,.0f}/s" + ", and no more was tried" * tried
        yield BreakEven(base=base, by=BY_RATE, unit="/s", says=says)


def _by_level(base: str, by: str, unit: str, findings: list[CapacityFinding], key: _Key) -> Iterator[BreakEven]:
    """Yield between which two levels the order of the two paths turns, where there are two levels at least."""
    rows: list[tuple[float, bool]] = []
    for level in sorted(set(map(key, findings))):
        there = [finding for finding in findings if key(finding) == level]
        own, other = _carried(there, LOG), _carried(there, base)
        if own is not None and other is not None:
            rows.append((level, own > other * TOLD_APART))
    if len(rows) < 2:  # noqa: PLR2004 - one level says nothing about the others
        return
    levels, pays = [level for level, _ in rows], [paid for _, paid in rows]
    span = f"{levels[0]:g} to {levels[-1]:g} {unit}"
    if all(pays):
        yield BreakEven(base=base, by=by, high=levels[0], unit=unit, says=f"everywhere from {span}")
    elif not any(pays):
        yield BreakEven(base=base, by=by, low=levels[-1], unit=unit, says=f"nowhere from {span}")
    elif pays == sorted(pays):
        turn = pays.index(True)
        says = f"from somewhere between {levels[turn - 1]:g} and {levels[turn]:g} {unit} on"
        yield BreakEven(base=base, by=by, low=levels[turn - 1], high=levels[turn], unit=unit, says=says)
    elif pays == sorted(pays, reverse=True):
        turn = pays.index(False)
        says = f"up to somewhere between {levels[turn - 1]:g} and {levels[turn]:g} {unit}"
        yield BreakEven(base=base, by=by, low=levels[turn - 1], high=levels[turn], unit=unit, says=says)
    else:
        where = ", ".join(f"{level:g}" for level, paid in rows if paid)
        yield BreakEven(base=base, by=by, unit=unit, says=f"at {where} {unit} and not between: too close to call")


def _carried(findings: list[CapacityFinding], path: str) -> float | None:
    """Return the highest load that *path* held, 0 where it held none; None where nobody looked."""
    mine = [finding.last_pass_per_s or 0.0 for finding in findings if finding.path == path]
    return mine[0] if mine else None

"""The tables of a run of faults, on the console."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from seawall.report.soak_tables import slopes_table
from seawall.report.table_styles import NOTHING, number, styled_table
from seawall.report.verdicts import COLORS
from seawall.result import FaultFinding, Outcome, Result


def fault_tables(result: Result, style: str) -> Iterator[Table]:
    """Return the findings one by one, or of many random ones the tally and those that did not come out well.

    After a long run the memory's slopes follow.
    """
    yield from _of_faults(result, style)
    if result.slopes:
        yield slopes_table(result, style)


def _of_faults(result: Result, style: str) -> Iterator[Table]:
    if not result.options.get("chaos"):
        yield _findings(result.faults, "Faults: what each did, and what became of every record", style)
        return
    yield _tally(result.faults, style)
    bad = [finding for finding in result.faults if finding.outcome is not Outcome.PASS]
    if bad:
        yield _findings(bad, "Those that did not come out well; --chaos 1 --seed makes one again", style)


def in_words(finding: FaultFinding) -> str:
    """Return in a line what a fault did."""
    if finding.outcome in (Outcome.INVALID, Outcome.INCONCLUSIVE):
        return "; ".join(finding.reasons)
    noticed = "nobody noticed" if finding.detect_s is None else f"noticed after {finding.detect_s:.2f} s"
    recovered = "" if finding.recover_s is None else f", as before {finding.recover_s:.1f} s after its end"
    failed = f", {finding.failed:,} failed" if finding.failed else ""
    lookups = f", {finding.lookups_failed:,} lookups failed" if finding.lookups_failed else ""
    unknown = f", {finding.unknown:,} unknown" if finding.unknown else ""
    absorbed = f", {finding.absorbed:,} repeated and absorbed" if finding.absorbed else ""
    why = f": {'; '.join(finding.reasons)}" if finding.reasons else ""
    fate = f", {finding.lost:,} lost, {finding.doubled:,} doubled"
    return f"{noticed}{recovered}{failed}{lookups}{unknown}{absorbed}{fate}{why}"


def _findings(findings: list[FaultFinding], title: str, style: str) -> Table:
    table = styled_table(title, style)
    for name in (
        "fault", "seed", "begins\ns", "held\ns", "noticed\nafter s", "as before\nafter s", "failed", "refused\np50 ms",
        "lookups\nfailed", "unknown", "absorbed", "lost", "doubled", "",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name in ("fault", "") else "right")
    for finding in findings:
        held = None
        if finding.begin_s is not None and finding.end_s is not None:
            held = finding.end_s - finding.begin_s
        reasons = escape("; ".join(finding.reasons))
        table.add_row(
            finding.name,
            str(finding.seed),
            *(number(one, 1) for one in (finding.begin_s, held)),
            number(finding.detect_s, 2),
            number(finding.recover_s, 1),
            f"{finding.failed:,}",
            number(finding.refused_p50_ms, 0),
            *(
                f"{count:,}"
                for count in (finding.lookups_failed, finding.unknown, finding.absorbed, finding.lost, finding.doubled)
            ),
            f"[{COLORS[finding.outcome]}]{finding.outcome.value}[/]" + (f": {reasons}" if reasons else ""),
        )
    return table


def _tally(findings: list[FaultFinding], style: str) -> Table:
    table = styled_table("Random faults: how they came out", style)
    for name in (
        "fault",
        "made",
        "PASS",
        "FAIL",
        "INVALID",
        "failed\nrequests",
        "unknown",
        "absorbed",
        "lost",
        "doubled",
    ):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for fault in sorted({finding.name for finding in findings}):
        table.add_row(fault, *_counts([finding for finding in findings if finding.name == fault]))
    table.add_section()
    table.add_row("all", *_counts(findings))
    return table


def _counts(findings: list[FaultFinding]) -> list[str]:
    outcomes = Counter(finding.outcome for finding in findings)
    invalid = len(findings) - outcomes[Outcome.PASS] - outcomes[Outcome.FAIL]
    sums = (
        sum(getattr(finding, name) for finding in findings)
        for name in ("failed", "unknown", "absorbed", "lost", "doubled")
    )
    figures = (len(findings), outcomes[Outcome.PASS], outcomes[Outcome.FAIL], invalid, *sums)
    return [f"{figure:,}" if figure else (NOTHING if place else "0") for place, figure in enumerate(figures)]

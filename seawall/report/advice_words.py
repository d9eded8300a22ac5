"""What the figures of a run suggest, as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from seawall.report.markdown import text
from seawall.result import Advice, Result

HEADING = "What the figures suggest"


class Suggestion(NamedTuple):
    """One line, in parts."""

    about: str
    """The path and its load, then the kind."""
    says: str
    advice: str
    details: str
    """As a server wrote it; empty where there is nothing of the kind."""


def suggestions(result: Result) -> Iterator[Suggestion]:
    """Yield what is to be suggested; nothing where the figures suggest nothing."""
    for one in result.advice:
        yield Suggestion(_about(one), one.says, one.advice, "\n".join(one.details))


def advice_markdown(result: Result) -> str:
    """Return a list in Markdown with its heading; empty where nothing is to be suggested."""
    lines = [
        f"- **{text(one.about)}**: {text(one.says)} {text(one.advice)}{_block(one.details)}"
        for one in suggestions(result)
    ]
    return "\n".join((f"#### {HEADING}", "", *lines)) if lines else ""


def _about(advice: Advice) -> str:
    load = "" if advice.offered_per_s is None else f" at {advice.offered_per_s:,.0f}/s"
    return f"{advice.arm}{load}, {advice.kind}"


def _block(details: str) -> str:
    """Return *details* as a block of code within a list's item, whatever signs it holds."""
    if not details:
        return ""
    fence = "```" if "```" not in details else "~~~~~~"
    lines = "\n".join(f"  {line}".rstrip() for line in (fence, *details.splitlines(), fence))
    return f"\n\n{lines}\n"

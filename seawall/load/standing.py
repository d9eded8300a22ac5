"""What the process that judges a plain Locust run says while it works: a line of JSON for each look at the run."""

from __future__ import annotations

from typing import Literal

import msgspec

Step = Literal["running", "draining", "auditing", "judged"]


class Row(msgspec.Struct, kw_only=True, frozen=True):
    """One line of the table that people watch: texts, as they are shown."""

    what: str
    measured: str = ""
    interval: str = ""
    limit: str = ""
    verdict: str = ""
    why: str = ""


class Standing(msgspec.Struct, kw_only=True, frozen=True):
    """How a run stands that goes on, or is being judged."""

    step: Step
    """``draining``: the log still holds records that have no row; ``auditing``: records are held against rows."""
    outcome: str
    """PASS, FAIL, INCONCLUSIVE or INVALID: of the run as far as it has come, and of the whole of it once ``judged``."""
    rows: list[Row] = []
    report: str = ""
    """The file that holds the whole report; empty before it is there."""

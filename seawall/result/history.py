"""Many runs in the order of time: what `history --json` prints, and all that its reports are made from.

Fields are only ever added. Figures are in the unit of their series.
"""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Outcome

HISTORY_VERSION = 1


class HistoryRun(msgspec.Struct, kw_only=True, frozen=True):
    """One run that was read."""

    directory: str
    """Where its result lies, from the history's directory on."""
    experiment: str
    started_at: str
    outcome: Outcome
    versions: dict[str, str] = {}
    """Of commit, kernel, Python, libraries and servers: what may change from run to run."""


class HistoryPoint(msgspec.Struct, kw_only=True, frozen=True):
    """The figure of one run."""

    run: int
    """Its place in `History.runs`."""
    value: float


class HistoryChange(msgspec.Struct, kw_only=True, frozen=True):
    """A change of a figure's level."""

    run: int
    """The first run of the new level, by its place in `History.runs`."""
    before: float
    """The median of the level before."""
    after: float
    ratio: float | None = None
    """How many times larger the level became; None where it was 0, or can be below."""
    p: float
    """How often so clear a change comes about by chance."""
    worse: bool
    """Whether it is a change for the worse, and of more than 5 %."""
    new: bool
    """Whether it is news: it could not be told before the newest period began."""
    changed: list[str] = []
    """Which versions differ between the run before and the first one after."""


class HistorySeries(msgspec.Struct, kw_only=True, frozen=True):
    """One figure of one arm under one load, a figure a run."""

    figure: str
    """Its name in words, with its unit."""
    cell: str = ""
    """What of the run it belongs to, such as ``1,000 orders``; empty where there is but one load."""
    main: bool = True
    """Whether the tables by period show it."""
    worse: str
    """The change that is for the worse: ``larger`` or ``smaller``."""
    points: list[HistoryPoint]
    changes: list[HistoryChange] = []
    untold: str = ""
    """Why no change can be told; empty where one could."""


class HistoryPeriod(msgspec.Struct, kw_only=True, frozen=True):
    """What one day, week or month came to."""

    name: str
    runs: int
    outcomes: dict[Outcome, int]
    lost: int
    """Records that were acknowledged and are nowhere."""
    audited: bool
    """Whether somebody looked in any of its runs."""
    medians: list[float | None]
    """Over its runs, of each main series of the group."""


class HistoryGroup(msgspec.Struct, kw_only=True, frozen=True):
    """The runs of one arm that compare with one another."""

    experiment: str
    arm: str
    path: str
    durability: str
    conditions: dict[str, str]
    """Machine, load options and settings, the same in all of its runs."""
    apart: list[str] = []
    """In what they differ from those of the group before, where that has the same experiment and arm."""
    runs: list[int]
    """Places in `History.runs`."""
    series: list[HistorySeries]
    periods: list[HistoryPeriod]
    newly_lost: int = 0
    """Records lost in the newest period."""


class SkippedFile(msgspec.Struct, kw_only=True, frozen=True):
    """Something in the directory that is no result, and why."""

    path: str
    why: str


class History(msgspec.Struct, kw_only=True, frozen=True):
    """What became of the figures over all runs below a directory."""

    history_version: int = HISTORY_VERSION
    directory: str
    by: str
    """``day``, ``week`` or ``month``."""
    newest: str
    """The newest period's name."""
    significance: float
    """The share of series without a change in which one is found all the same."""
    outcome: Outcome
    """FAIL where something got worse in the newest period, INCONCLUSIVE where there are too few runs to tell."""
    runs: list[HistoryRun]
    groups: list[HistoryGroup]
    skipped: list[SkippedFile] = []

"""What `bench scenarios` makes of results, by those that are stored."""

from __future__ import annotations

import msgspec
import pytest

from benchmarks.report import Figure
from benchmarks.scenarios import SCENARIOS, analytics_figures, fanout_figures, live_figures
from seawall.report.stored import stored_result
from seawall.result import Outcome, Quantiles, Result
from seawall.stack.places import ROOT

STORED = ROOT / "results" / "reference"


def stored(name: str) -> Result:
    """Return a stored run of a scenario."""
    return stored_result(STORED / f"20261130-{name}")


def named(figures: list[Figure], words: str) -> Figure:
    """Return the one figure whose name holds *words*."""
    (found,) = [figure for figure in figures if words in figure.name]
    return found


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_run_can_be_run(name: str, *, quick: bool) -> None:
    """The options of each are valid."""
    SCENARIOS[name][0](quick=quick, seed=1).validate()


def test_fanout_shows_both_ways_and_judges_the_log() -> None:
    """The storing group's share of what it has alone, and what was made wrong."""
    result = stored("fanout")
    figures = list(fanout_figures(result))
    most = max(one.count for one in result.fanout)
    log = named(figures, f"by the log to {most} groups: storing keeps")
    assert log.asked.startswith("at least 80%")
    kept = next(
        one.store_kept for one in result.fanout if one.arm == "log" and one.count == most and one.what == "plain"
    )
    assert log.measured == 100 * (kept or 0)
    copies = named(figures, f"by the database to {most} groups: storing keeps")
    assert (copies.asked, copies.reached) == ("", None)
    assert named(figures, f"by the log to {most} groups: wrong").reached is True


def test_analytics_is_judged_where_the_feed_was_in_time() -> None:
    """Delay and equality, beside the queries'."""
    result = stored("analytics")
    changed = [
        msgspec.structs.replace(one, outcome=Outcome.PASS, reasons=[], behind_ms=Quantiles(p95=300.0, max=990.0))
        for one in result.live_analytics
    ]
    told = msgspec.structs.replace(result, live_analytics=changed)
    behind = named(list(analytics_figures(told)), "behind, at the most")
    assert (behind.measured, behind.beside, behind.reached) == (990.0, 990.0, True)
    untold = msgspec.structs.replace(
        result,
        live_analytics=[
            msgspec.structs.replace(one, outcome=Outcome.INVALID, reasons=["the feed itself was late"])
            for one in changed
        ],
    )
    behind = named(list(analytics_figures(untold)), "behind, at the most")
    assert behind.reached is None
    assert "the feed itself was late" in behind.error
    assert named(list(analytics_figures(result)), "not the table's").reached is True


def test_live_is_judged_by_the_log_alone() -> None:
    """Who polls stands beside it; what was missing is always told."""
    result = stored("live")
    late = [
        msgspec.structs.replace(
            one, outcome=Outcome.FAIL, arrival_ms=Quantiles(p95=1_200.0), missing=one.source == "log"
        )
        for one in result.live
    ]
    figures = list(live_figures(msgspec.structs.replace(result, live=late)))
    assert named(figures, "live by the log for").name.endswith("p95") if len(late) == 1 else True
    by_log = [figure for figure in figures if figure.name.startswith("live by the log")]
    assert [figure.reached for figure in by_log] == [False, False]
    assert [figure.reached for figure in figures if figure not in by_log] == [None, None]

"""What is said of each scenario of `stream` that has figures of its own kind: a row each in `SCENARIOS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from seawall.report.analytics_words import NEVER_MEASURED as NOT_OF_ANALYTICS
from seawall.report.analytics_words import analytics_answer, analytics_tables
from seawall.report.answer_form import Answer
from seawall.report.csv_words import NOT_MEASURED as NOT_OF_CSV
from seawall.report.csv_words import csv_answer, csv_tables
from seawall.report.fanout_words import NEVER_MEASURED as NOT_OF_FANOUT
from seawall.report.fanout_words import fanout_answer, fanout_tables
from seawall.report.figure_table import FigureTable
from seawall.report.fleet_words import NOT_MEASURED as NOT_OF_CACHE
from seawall.report.fleet_words import fleet_answer, fleet_tables
from seawall.report.live_words import NOT_MEASURED as NOT_OF_LIVE
from seawall.report.live_words import live_answer, live_tables
from seawall.report.reviews_words import NOT_MEASURED as NOT_OF_REVIEWS
from seawall.report.reviews_words import reviews_answer, reviews_tables
from seawall.report.spark_words import NOT_MEASURED as NOT_OF_SPARK
from seawall.report.spark_words import spark_answer, spark_tables
from seawall.result import Result
from seawall.result.cache_fleet import CACHE
from seawall.result.csv_import import CSV
from seawall.result.fanout import FANOUT
from seawall.result.live import LIVE
from seawall.result.live_analytics import ANALYTICS
from seawall.result.reviews import REVIEWS
from seawall.result.spark import SPARK


@dataclass(frozen=True, kw_only=True)
class ScenarioReport:
    """How a scenario's result is told; the console, the page and Markdown show the same."""

    answer: Callable[[Result], Answer]
    tables: Callable[[Result], Iterable[FigureTable]]
    not_measured: tuple[str, ...]
    """What every run of it leaves open, a sentence each."""


SCENARIOS: dict[str, ScenarioReport] = {
    CACHE: ScenarioReport(answer=fleet_answer, tables=fleet_tables, not_measured=NOT_OF_CACHE),
    ANALYTICS: ScenarioReport(answer=analytics_answer, tables=analytics_tables, not_measured=NOT_OF_ANALYTICS),
    FANOUT: ScenarioReport(answer=fanout_answer, tables=fanout_tables, not_measured=NOT_OF_FANOUT),
    LIVE: ScenarioReport(answer=live_answer, tables=live_tables, not_measured=NOT_OF_LIVE),
    CSV: ScenarioReport(answer=csv_answer, tables=csv_tables, not_measured=NOT_OF_CSV),
    REVIEWS: ScenarioReport(answer=reviews_answer, tables=reviews_tables, not_measured=NOT_OF_REVIEWS),
    SPARK: ScenarioReport(answer=spark_answer, tables=spark_tables, not_measured=NOT_OF_SPARK),
}
"""By the name of the experiment, such as ``stream-cache``."""


def scenario_of(result: Result) -> ScenarioReport | None:
    """Return how *result* is told, or None where it is not of such a scenario."""
    return SCENARIOS.get(result.experiment)


def scenario_tables(result: Result) -> list[FigureTable]:
    """Return the tables of *result*; none where it is not of such a scenario."""
    found = scenario_of(result)
    return list(found.tables(result)) if found else []

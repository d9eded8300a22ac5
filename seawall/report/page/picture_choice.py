"""Which pictures an experiment has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seawall.report.burst_words import is_ingest
from seawall.report.experiment_names import FAULT
from seawall.report.page.analytics_pictures import analytics_pictures, is_analytics
from seawall.report.page.burst_pictures import burst_pictures
from seawall.report.page.capacity_picture import capacity_charts
from seawall.report.page.csv_pictures import csv_pictures, is_csv
from seawall.report.page.effect_pictures import effect_pictures
from seawall.report.page.elasticity_pictures import elasticity_pictures
from seawall.report.page.fanout_pictures import fanout_pictures, is_fanout
from seawall.report.page.fault_pictures import fault_pictures
from seawall.report.page.fleet_pictures import fleet_pictures, is_fleet
from seawall.report.page.live_pictures import is_live, live_pictures
from seawall.report.page.pictures import Material, Picture, backlog, pictures, response, visible
from seawall.report.page.reviews_pictures import is_reviews, reviews_pictures
from seawall.report.page.shape_picture import shape_picture
from seawall.report.page.spark_pictures import is_spark, spark_pictures
from seawall.report.page.sweep_pictures import sweep_pictures
from seawall.report.shape_words import is_designed, is_profiled
from seawall.report.sweep_words import is_sweep
from seawall.result import Result

_OWN: tuple[tuple[Callable[[Result], bool], Callable[[Result], Iterator[Picture]]], ...] = (
    (lambda result: result.experiment == FAULT, fault_pictures),
    (is_designed, effect_pictures),
    (lambda result: bool(result.elasticity), elasticity_pictures),
    (is_ingest, burst_pictures),
    (is_fleet, fleet_pictures),
    (is_analytics, analytics_pictures),
    (is_fanout, fanout_pictures),
    (is_live, live_pictures),
    (is_csv, csv_pictures),
    (is_reviews, reviews_pictures),
    (is_spark, spark_pictures),
)
"""Of experiments that need no raw columns."""


def pictures_of(result: Result, material: Material) -> Iterator[Picture]:
    """Yield the pictures of *result*; *material* are its raw columns, which not all of them need."""
    if result.capacity:
        for _, heading, chart in capacity_charts(result):
            yield Picture(heading, chart.svg(), "A mark a trial, pale where it did not hold; the line joins what held.")
    elif own := next((make for is_asked, make in _OWN if is_asked(result)), None):
        yield from own(result)
    elif is_profiled(result):
        yield shape_picture(result, material)
        for make in (response, visible, backlog):
            picture = make(result, material)
            if picture is not None:
                yield picture
    elif not (result.controls or result.stages):
        if is_sweep(result):
            yield from sweep_pictures(result)
        yield from pictures(result, material)

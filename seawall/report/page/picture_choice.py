"""Which pictures an experiment has."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.burst_words import is_ingest
from seawall.report.experiment_names import FAULT
from seawall.report.page.burst_pictures import burst_pictures
from seawall.report.page.capacity_picture import capacity_charts
from seawall.report.page.elasticity_pictures import elasticity_pictures
from seawall.report.page.fault_pictures import fault_pictures
from seawall.report.page.pictures import Material, Picture, backlog, pictures, response, visible
from seawall.report.page.shape_picture import shape_picture
from seawall.report.scenarios import scenario_of
from seawall.report.shape_words import is_profiled
from seawall.result import Result


def pictures_of(result: Result, material: Material) -> Iterator[Picture]:
    """Yield the pictures of *result*; *material* are its raw columns, which not all of them need."""
    if result.capacity:
        for _, heading, chart in capacity_charts(result):
            yield Picture(heading, chart.svg(), "A mark a trial, pale where it did not hold; the line joins what held.")
    elif result.experiment == FAULT:
        yield from fault_pictures(result)
    elif result.elasticity:
        yield from elasticity_pictures(result)
    elif is_ingest(result):
        yield from burst_pictures(result)
    elif is_profiled(result):
        yield shape_picture(result, material)
        for make in (response, visible, backlog):
            picture = make(result, material)
            if picture is not None:
                yield picture
    elif not (result.controls or result.stages or scenario_of(result)):
        yield from pictures(result, material)

"""The charts of a page as files that stand alone."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from seawall.report.errors import NoPicture
from seawall.report.material import gather
from seawall.report.page.chart import HEIGHT, WIDTH
from seawall.report.page.picture_choice import pictures_of
from seawall.report.page.pictures import Picture
from seawall.report.page.sheet import sheet
from seawall.report.shape_words import is_over_loads
from seawall.result import Result

_ABOVE, _AROUND = 38, 10


def chart_sheets(result: Result, directory: Path) -> dict[str, str]:
    """Return each chart of the page as a file's name and content, from *result* and the raw columns in *directory*.

    Raises `NoPicture` where there is nothing to draw.
    """
    material = {} if is_over_loads(result) else gather(result, directory)
    found = {_file_name(picture): _alone(picture) for picture in pictures_of(result, material)}
    if not found:
        raise NoPicture("this run holds nothing to draw: no trial came to its end")
    return found


def _file_name(picture: Picture) -> str:
    return re.sub(r"[^a-z0-9]+", "-", picture.heading.lower()).strip("-") + ".svg"


def _alone(picture: Picture) -> str:
    width, height = WIDTH + 2 * _AROUND, HEIGHT + _ABOVE + _AROUND
    return sheet(
        width,
        height,
        f'<text class="heading" x="{_AROUND + 2}" y="26">{escape(picture.heading)}</text>'
        f'<svg x="{_AROUND}" y="{_ABOVE}" width="{WIDTH}" height="{HEIGHT}">{picture.svg}</svg>',
        letters_px=11.5,
    )

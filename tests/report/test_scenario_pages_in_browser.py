"""The pages of stored runs of scenarios, and of a sweep with all that it can look at, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_pages import DESKTOP, PHONE, Scheme, browser, opened
from playwright.sync_api import Browser
from test_page_in_browser import CHART_TEXTS, SMALLEST_TEXT_PX, WCAG_AA
from test_sweep_tables import beside

from seawall.report.files import write_reports
from seawall.report.scenarios import SCENARIOS
from seawall.report.stored import stored_result
from seawall.stack.places import ROOT

pytestmark = pytest.mark.browser

SWEEP = "sweep"
TICKS = """[...document.querySelectorAll('figure svg')].map(svg =>
    [...svg.querySelectorAll('.tick[text-anchor=middle]')].map(text => text.getBoundingClientRect())
        .map(box => [box.left, box.right]).sort((a, b) => a[0] - b[0]))"""
"""Of each chart, where the words beneath its x axis begin and end."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each has a context of its own."""
    with browser() as one:
        yield one


@pytest.fixture(scope="module", params=[*SCENARIOS, SWEEP])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a stored run of each scenario, and of a sweep."""
    name = str(request.param)
    directory = tmp_path_factory.mktemp(name)
    stored = ROOT / "results" / "reference" / f"20261130-{name.removeprefix('stream-')}"
    write_reports(beside() if name == SWEEP else stored_result(stored), directory)
    return directory / "report.html"


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pictures_can_be_read(chromium: Browser, page: Path, size: tuple[int, int]) -> None:
    """No text is too small, cut off, or covers its neighbour, and the page is no wider than the screen."""
    with opened(chromium, page, size) as found:
        texts = found.page.evaluate(CHART_TEXTS)
        # an import is told in tables alone
        assert len(texts) > 15 or page.parent.name.startswith("stream-csv")
        assert [one for one in texts if one["px"] < SMALLEST_TEXT_PX] == []
        assert [one for one in texts if one["out"] > 1] == []
        for boxes in found.page.evaluate(TICKS):
            assert all(left[1] <= right[0] for left, right in pairwise(boxes)), boxes
        assert found.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert found.said == []
        assert found.asked_for == [page.as_uri()]


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_to_the_rules_of_accessibility(chromium: Browser, page: Path, scheme: Scheme) -> None:
    """WCAG 2.1 A and AA on a light screen and a dark one."""
    with opened(chromium, page, DESKTOP, scheme, locked=False) as found:
        results = Axe().run(found.page, options=WCAG_AA)
        assert results.violations_count == 0, results.generate_report()

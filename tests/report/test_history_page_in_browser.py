"""The page of a history in a real Chromium: on a desktop, a phone and paper, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_pages import DESKTOP, PHONE, Scheme, browser, opened
from evil_results import EVIL, evil
from playwright.sync_api import Browser
from test_page_in_browser import CHART_TEXTS, SMALLEST_TEXT_PX, WCAG_AA, widest
from varied_runs import BEGIN, REAL, varied_copy

from seawall.experiments.history import make_history
from seawall.experiments.history_figures import followed
from seawall.report.page.history_page import write_history_page
from seawall.report.stored import stored_result
from seawall.result.history import History, SkippedFile

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each has a context of its own."""
    with browser() as one:
        yield one


def worse() -> History:
    """Return twelve weeks of runs of which one path is slower since the last, and what was left out."""
    real, rng = stored_result(REAL), np.random.default_rng(2)
    days = range(0, 84, 2)
    runs = [
        varied_copy(
            varied_copy(real, BEGIN + timedelta(days=day), float(rng.lognormal(0.0, 0.06)), commit=f"c{day:03}"),
            BEGIN + timedelta(days=day), 1.6 if day >= 78 else 1.0, arm="kafka",
        )
        for day in days
    ]  # fmt: skip
    kept = [followed(result, f"{day:03}-a-copy-with-varied-times") for day, result in zip(days, runs, strict=True)]
    return make_history(kept, "results", skipped=[SkippedFile(path="notes.txt", why="no result of Seawall")])


def hostile() -> History:
    """Return two runs all of whose names try to break out, and whose directories do, too."""
    bad = evil(stored_result(REAL))
    runs = [
        followed(msgspec.structs.replace(bad, started_at=(BEGIN + timedelta(hours=hours)).isoformat()), EVIL)
        for hours in (0, 5)
    ]
    return make_history(runs, EVIL, skipped=[SkippedFile(path=EVIL, why=EVIL)])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A history in which something got worse, one with evil names, and one of a single run."""
    directory = tmp_path_factory.mktemp("histories")
    single = make_history([followed(stored_result(REAL), "one")], "results")
    for name, history in {"worse": worse(), "evil": hostile(), "single": single}.items():
        write_history_page(history, directory / f"{name}.html")
    return {path.stem: path for path in directory.iterdir()}


@pytest.mark.parametrize("name", ["worse", "evil", "single"])
def test_the_browser_has_nothing_to_say_and_nothing_to_fetch(
    chromium: Browser, pages: dict[str, Path], name: str
) -> None:
    """No console message, no error, no script, no request but that for the file."""
    with opened(chromium, pages[name]) as found:
        assert found.said == []
        assert found.asked_for == [pages[name].as_uri()]
        assert found.page.locator("script").count() == 0
        assert found.page.locator(".word").inner_text() in ("Yes.", "Too few runs to tell.")


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [("worse", DESKTOP, "light"), ("worse", PHONE, "dark"), ("evil", PHONE, "light"), ("single", DESKTOP, "dark")],
)
def test_it_keeps_to_the_rules_of_accessibility(
    chromium: Browser, pages: dict[str, Path], name: str, size: tuple[int, int], scheme: Scheme
) -> None:
    """WCAG 2.1 A and AA as axe checks them, with every detail unfolded; nothing is wider than the screen."""
    with opened(chromium, pages[name], size, scheme, locked=False) as found:
        found.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        results = Axe().run(found.page, options=WCAG_AA)
        assert results.response["passes"]
        assert results.violations_count == 0, results.generate_report()
        assert widest(found) <= size[0]


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_texts_of_charts_can_be_read(chromium: Browser, pages: dict[str, Path], size: tuple[int, int]) -> None:
    """None is smaller than 9 px on the screen, and none is cut off at its picture's edge."""
    for name in ("worse", "evil"):
        with opened(chromium, pages[name], size) as found:
            texts = found.page.evaluate(CHART_TEXTS)
            assert len(texts) > 20
            assert [one for one in texts if one["px"] < SMALLEST_TEXT_PX] == []
            assert [one for one in texts if one["out"] > 1] == []


def test_what_got_worse_is_on_the_first_screen(chromium: Browser, pages: dict[str, Path]) -> None:
    """The answer, and the row with path, figure and run; its chart has the old and the new level."""
    with opened(chromium, pages["worse"]) as found:
        row = found.page.locator("tr", has_text="response p95, ms").first
        box = row.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= DESKTOP[1]
        assert "kafka" in row.inner_text()
        assert "worse, new" in row.inner_text()
        said = found.page.locator(".sentence").inner_text()
        assert re.match(r"Response p95 of kafka \(compare\) went from [\d.]+ to [\d.]+ ms; visible p95 of", said)
        table = found.page.get_by_role("region", name="Changes of level")
        assert table.evaluate("one => one.scrollWidth - one.clientWidth") <= 0
        chart = found.page.locator("figure", has_text="response p95, ms").nth(1).locator("svg")
        assert chart.locator(".asked").count() == 1
        assert chart.locator("polyline.line").count() == 2
        assert chart.locator(".mark").count() == 42


def test_charts_and_tables_say_what_they_are(chromium: Browser, pages: dict[str, Path]) -> None:
    """Each chart has a text of its own for those who cannot see it, each table a named region around it."""
    with opened(chromium, pages["worse"]) as found:
        titles = found.page.locator("figure svg > title").all_text_contents()
        assert len(titles) == found.page.get_by_role("img").count() >= 12
        assert len(set(titles)) == len(titles)
        assert any("Since 2026-11-24 02:00 its level is" in title for title in titles)
        labels = found.page.eval_on_selector_all("[role=region]", "all => all.map(one => one.ariaLabel)")
        assert len(set(labels)) == len(labels)
        assert found.page.locator("table:not([role=region][aria-label] table)").count() == 0


def test_it_prints_with_everything_unfolded(chromium: Browser, pages: dict[str, Path]) -> None:
    """In light colours, and nothing is wider than the paper."""
    with opened(chromium, pages["worse"], (720, 1000), "dark") as found:
        found.page.emulate_media(media="print", color_scheme="dark")
        assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert widest(found) <= 720
        assert found.page.pdf(format="A4").startswith(b"%PDF")

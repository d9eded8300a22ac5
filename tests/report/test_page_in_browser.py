"""The page in a real Chromium: on a desktop, a phone and paper, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_pages import DESKTOP, PHONE, Opened, Scheme, browser, opened
from evil_results import EVIL, evil
from playwright.sync_api import Browser

from seawall.report.experiment_names import PLAIN
from seawall.report.files import write_reports
from seawall.report.stored import stored_result
from seawall.result import Arm, AuditCounts, EndpointFigures, Outcome, Quantiles, Result
from seawall.stack.places import ROOT

pytestmark = pytest.mark.browser

LOADED = ROOT / "results" / "reference" / "20261121-audited-4000-per-s"
BOTH_KINDS = ROOT / "results" / "reference" / "20261121-audited-default"
WITHOUT_COLUMNS = ROOT / "results" / "reference" / "20261121-load-4000-per-s"
SMALLEST_TEXT_PX = 9
WCAG_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
CHART_TEXTS = """[...document.querySelectorAll('figure svg')].flatMap(svg => {
    const whole = svg.getBoundingClientRect(), scale = whole.width / svg.viewBox.baseVal.width;
    return [...svg.querySelectorAll('text')].map(text => {
        const box = text.getBoundingClientRect();
        return {
            text: text.textContent, px: parseFloat(getComputedStyle(text).fontSize) * scale,
            out: Math.max(
                whole.left - box.left, box.right - whole.right, whole.top - box.top, box.bottom - whole.bottom
            ),
        };
    });
})"""
"""Every text of every chart: how large it is on the screen, and how far it stands out of its picture."""
LOCAL = {"loaded": LOADED, "both": BOTH_KINDS, "bare": WITHOUT_COLUMNS}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each has a context of its own."""
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of committed runs, of one with evil names, and of one without any request."""
    directory = tmp_path_factory.mktemp("pages")
    nothing = Result(
        experiment="compare", started_at="", finished_at="", seed=1, outcome=Outcome.INVALID,
        arms=[Arm(name="sync", path="sync", durability="fsync")],
    )  # fmt: skip
    found = {}
    results = {name: (stored_result(path), path) for name, path in LOCAL.items()}
    results["evil"] = (evil(stored_result(WITHOUT_COLUMNS)), directory)
    results["nothing"] = (nothing, directory)
    results["plain"] = (_plain(stored_result(LOADED)), LOADED)
    for name, (result, columns) in results.items():
        (directory / name).mkdir()
        write_reports(result, columns, directory / name)
        found[name] = directory / name / "report.html"
    return found


def _plain(result: Result) -> Result:
    """Return a plain Locust run of somebody else's service, into whose database nobody looked."""
    (trial,) = [trial for trial in result.trials if trial.name == "load-grouped-0a"]
    url = "http://an-address.of-a-service.example:8080"
    times = Quantiles(p50=3.0, p95=10.0, p95_low=9.0, p95_high=11.0, samples=20_000)
    endpoints = [
        EndpointFigures(
            name=f"GET /v1/a-rather-long-path/{n}", scope="write", requests=20_000, failed=n, response_ms=times
        )
        for n in range(3)
    ]
    return msgspec.structs.replace(
        result, experiment=PLAIN, outcome=Outcome.PASS, comparisons=[], audit="did not run: no database was given",
        arms=[Arm(name=url, path="service", durability="whatever the service promises")],
        trials=[msgspec.structs.replace(trial, arm=url, audited=False, audit=AuditCounts(), endpoints=endpoints)],
        targets=[msgspec.structs.replace(row, arm=url) for row in result.targets if row.arm == "grouped"],
        verdicts={url: Outcome.PASS}, not_judged=["nothing is lost"],
    )  # fmt: skip


NAMES = [*LOCAL, "evil", "nothing", "plain"]


def widest(page: Opened) -> int:
    """Return how wide the page wants to be."""
    width: int = page.page.evaluate("document.documentElement.scrollWidth")
    return width


@pytest.mark.parametrize("name", NAMES)
def test_the_browser_has_nothing_to_say_and_nothing_to_fetch(
    chromium: Browser, pages: dict[str, Path], name: str
) -> None:
    """No console message, no error, no request but that for the file."""
    with opened(chromium, pages[name]) as found:
        assert found.said == []
        assert found.asked_for == [pages[name].as_uri()]
        assert found.page.locator(".word").inner_text()


def test_a_message_and_a_request_would_be_noticed(chromium: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """Otherwise the test above proves nothing."""
    path = tmp_path / "bad.html"
    path.write_text('<!doctype html><img src="other.png"><script>console.log("hello")</script>', encoding="utf-8")
    with opened(chromium, path) as found:
        assert "hello" in found.said
        assert (tmp_path / "other.png").as_uri() in found.asked_for


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [
        ("loaded", DESKTOP, "light"),
        ("loaded", DESKTOP, "dark"),
        ("loaded", PHONE, "dark"),
        ("evil", PHONE, "light"),
        ("nothing", DESKTOP, "light"),
        ("plain", PHONE, "dark"),
    ],
)
def test_it_keeps_to_the_rules_of_accessibility(
    chromium: Browser, pages: dict[str, Path], name: str, size: tuple[int, int], scheme: Scheme
) -> None:
    """WCAG 2.1 A and AA, with contrast, as axe checks them, with every detail unfolded."""
    with opened(chromium, pages[name], size, scheme, locked=False) as found:
        found.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        results = Axe().run(found.page, options=WCAG_AA)
        assert results.response["passes"]
        assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("name", [*LOCAL, "evil"])
def test_a_phone_shows_answer_and_verdicts_at_once(chromium: Browser, pages: dict[str, Path], name: str) -> None:
    """Without scrolling down, and the page is nowhere wider than the screen."""
    with opened(chromium, pages[name], PHONE) as found:
        assert widest(found) <= PHONE[0]
        for locator in (found.page.locator(".word"), found.page.locator(".chips .chip").first):
            box = locator.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= PHONE[1]
            assert box["x"] + box["width"] <= PHONE[0]


def test_a_phone_shows_what_a_plain_run_says(chromium: Browser, pages: dict[str, Path]) -> None:
    """One service has no table of paths: the word is its verdict, and long addresses are broken."""
    with opened(chromium, pages["plain"], PHONE) as found:
        assert found.page.locator(".word").inner_text() == "It holds."
        assert widest(found) <= PHONE[0]


def test_a_desktop_shows_the_table_of_paths_at_once(chromium: Browser, pages: dict[str, Path]) -> None:
    """The answer, every verdict with its figures, and the doubts are on the first screen."""
    with opened(chromium, pages["loaded"]) as found:
        box = found.page.locator(".doubts").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= DESKTOP[1]
        assert found.page.locator(".arms .chip").count() == 3
        assert widest(found) <= DESKTOP[0]


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_texts_of_charts_can_be_read(chromium: Browser, pages: dict[str, Path], size: tuple[int, int]) -> None:
    """None is smaller than 9 px on the screen, and none is cut off at its picture's edge."""
    with opened(chromium, pages["both"], size) as found:
        texts = found.page.evaluate(CHART_TEXTS)
        assert len(texts) > 50
        assert [one for one in texts if one["px"] < SMALLEST_TEXT_PX] == []
        assert [one for one in texts if one["out"] > 1] == []


def test_names_of_lines_do_not_cover_each_other(chromium: Browser, pages: dict[str, Path]) -> None:
    """On a phone, where letters are largest against the picture."""
    measure = """[...document.querySelectorAll('figure svg')].map(svg =>
        [...svg.querySelectorAll('.name')].map(text => text.getBBox()).map(box => [box.y, box.y + box.height])
            .sort((a, b) => a[0] - b[0]))"""
    with opened(chromium, pages["both"], PHONE) as found:
        for boxes in found.page.evaluate(measure):
            for (_, low), (high, _) in pairwise(boxes):
                assert low - high < 4  # the room above and below a letter


def test_charts_and_tables_say_what_they_are(chromium: Browser, pages: dict[str, Path]) -> None:
    """Each chart has a text for those who cannot see it, each table a caption or a named region around it."""
    with opened(chromium, pages["both"]) as found:
        charts = found.page.get_by_role("img")
        assert charts.count() >= 8
        names = [
            found.page.evaluate("svg => document.getElementById(svg.getAttribute('aria-labelledby')).textContent", one)
            for one in charts.element_handles()
        ]
        assert all(len(name) > 20 for name in names)
        assert len(set(names)) == len(names)
        nameless = "table:not(:has(caption)):not([role=region][aria-label] table)"
        assert found.page.locator(nameless).count() == 0


def test_details_open_by_the_keyboard(chromium: Browser, pages: dict[str, Path]) -> None:
    """Each is reached by the tabulator and opened by Enter, and so is what scrolls sideways."""
    with opened(chromium, pages["loaded"], PHONE) as found:
        reached = set()
        for _ in range(20):
            found.page.keyboard.press("Tab")
            tag = found.page.evaluate("document.activeElement.tagName + (document.activeElement.ariaLabel || '')")
            reached.add(tag)
            if tag == "SUMMARY" and not found.page.evaluate("document.activeElement.parentElement.open"):
                found.page.keyboard.press("Enter")
        assert {"SUMMARY", "DIVAudit", "DIVAll trials"} <= reached
        assert found.page.locator("details:not([open])").count() == 0


def test_it_prints_in_light_colours_with_everything_unfolded(chromium: Browser, pages: dict[str, Path]) -> None:
    """Also from a dark screen; the figures are there, and nothing is wider than the paper."""
    with opened(chromium, pages["loaded"], (720, 1000), "dark") as found:
        figures = found.page.locator(".arms").inner_text()
        found.page.emulate_media(media="print", color_scheme="dark")
        assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert found.page.evaluate("getComputedStyle(document.querySelector('.word')).color") == "rgb(0, 0, 0)"
        assert found.page.locator(".arms").inner_text().split() == figures.split()
        assert found.page.locator("details .tight").bounding_box() is not None
        assert widest(found) <= 720
        pdf = found.page.pdf(format="A4")
        assert pdf.startswith(b"%PDF")
        assert 20_000 < len(pdf) < 2_000_000


def test_evil_names_stay_text(chromium: Browser, pages: dict[str, Path]) -> None:
    """They are read as they were written, and nothing of them runs."""
    with opened(chromium, pages["evil"]) as found:
        assert found.page.locator("script").count() == 0
        assert found.page.locator(".arms td").first.inner_text() == EVIL
        assert found.said == []


def test_a_run_without_requests_says_so(chromium: Browser, pages: dict[str, Path]) -> None:
    """In words, without an empty picture or table."""
    with opened(chromium, pages["nothing"], PHONE) as found:
        assert found.page.locator(".word").inner_text() == "Nothing was measured."
        assert found.page.locator("figure").count() == 0
        assert widest(found) <= PHONE[0]


def test_many_arms_with_long_names_still_fit(chromium: Browser, tmp_path: Path) -> None:
    """Eight arms, with names as long as a careless user gives them."""
    one = stored_result(LOADED)
    names = {arm: f"{arm}-with-a-name-longer-than-any-axis" for arm in ("sync", "grouped", "kafka")}
    more = [f"one-more-of-them-{number}" for number in range(5)]
    result = msgspec.structs.replace(
        one,
        arms=[msgspec.structs.replace(arm, name=names[arm.name]) for arm in one.arms]
        + [msgspec.structs.replace(one.arms[0], name=name) for name in more],
        trials=[msgspec.structs.replace(trial, arm=names[trial.arm]) for trial in one.trials]
        + [msgspec.structs.replace(one.trials[0], arm=name) for name in more],
        targets=[msgspec.structs.replace(row, arm=names[row.arm]) for row in one.targets],
        verdicts={names[name]: outcome for name, outcome in one.verdicts.items()},
    )
    write_reports(result, LOADED, tmp_path)
    with opened(chromium, tmp_path / "report.html", PHONE) as found:
        assert widest(found) <= PHONE[0]
        assert [one for one in found.page.evaluate(CHART_TEXTS) if one["out"] > 1] == []

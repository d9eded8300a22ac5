"""The Verdict tab of Locust's page in a real Chromium, with real clicks: while a run goes on, and after."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from browser_pages import browser
from playwright.sync_api import Page, expect
from service_processes import eventually

from seawall.audit.ledger import read_ledger
from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack

pytestmark = pytest.mark.browser
PATIENCE_MS = 40_000


@contextmanager
def locust_page(directory: Path, *arguments: str) -> Iterator[str]:
    """Run Locust with its page, and yield the page's address."""
    port, web = free_ports(2)
    many = ["--master-port", str(port), "--master-bind-port", str(port)] if "--processes" in arguments else []
    running = subprocess.Popen(
        [
            *(str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "locustfiles" / "ingest.py")),
            *("--web-port", str(web), *many, *arguments),
        ],
        cwd=directory,
        stderr=(directory / "locust.log").open("wb"),
    )
    url = f"http://127.0.0.1:{web}/"

    def serves() -> bool:
        try:
            return httpx.get(url, timeout=5).is_success
        except httpx.TransportError:
            return False

    try:
        eventually(serves, 30)
        yield url
    finally:
        running.terminate()
        running.wait(30)


def enter(page: Page, **values: str) -> None:
    """Fill in the form, with its own parameters unfolded, and press Start."""
    page.get_by_text("Custom parameters").click()
    for name, value in values.items():
        field = page.locator(f'[name="{name}"]')
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Start", exact=True).click()


def row(page: Page, name: str) -> list[str]:
    """Return the cells of the table's row of that name, once it is there."""
    found = page.locator("tr", has=page.get_by_role("cell", name=re.compile(f"^{re.escape(name)}"))).first
    found.wait_for(timeout=PATIENCE_MS)
    return found.get_by_role("cell").all_inner_texts()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody asks for it by SEAWALL_PICTURES."""
    place = os.environ.get("SEAWALL_PICTURES")
    if place:
        page.screenshot(path=str(Path(place) / f"{name}.png"))


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_run_is_watched_and_judged_in_the_page(stack: Stack, tmp_path: Path, processes: int) -> None:
    """Rows appear while it goes on; after Stop the audit goes through, and page, files and exit say the same."""
    stack.fresh()
    many = ["--processes", str(processes)] if processes > 1 else []
    with locust_page(tmp_path, *many) as url, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        page.goto(url)
        if processes > 1:
            expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled(timeout=PATIENCE_MS)
        enter(page, userCount="20", spawnRate="20", userRate="10", path="kafka", entity="orders")
        page.get_by_role("tab", name="Verdict").click()
        assert row(page, "writes answer in time")[4] == "< 200 ms"
        assert row(page, "verdict so far")[1] in ("PASS", "INCONCLUSIVE", "INVALID")
        assert "judged with the audit, at the end" in row(page, "nothing is lost")[-1]
        assert row(page, "instrument: event loop's lag")[2] != "-"
        picture(page, f"running-{processes}")
        page.get_by_role("button", name="Stop", exact=True).click()
        verdict = page.locator("tr", has=page.get_by_role("cell", name="verdict", exact=True))
        expect(verdict).to_have_text(re.compile("PASS|FAIL|INCONCLUSIVE|INVALID"), timeout=PATIENCE_MS)
        picture(page, f"judged-{processes}")
        (directory,) = (tmp_path / "results").iterdir()
        result = json.loads((directory / "result.json").read_text())
        audit = result["trials"][0]["audit"]
        assert verdict.get_by_role("cell").nth(1).inner_text() == result["outcome"]
        stored = row(page, "audit: records stored")
        assert stored[1:3] == ["PASS", f"{audit['stored']:,}"]
        assert audit["stored"] == audit["attempted"] == int((read_ledger(directory).entity != 0).sum()) > 50
        assert {json.loads((directory / "run.json").read_text())["entity"]} == {"orders"}
        page.get_by_role("tab", name="Download Data").click()
        link = page.get_by_role("link", name="Verdict: the whole report").get_attribute("href")
        assert link is not None
        assert httpx.get(urljoin(url, link)).text == (directory / "report.html").read_text()
        assert httpx.get(urljoin(url, "verdict/result.json")).json() == result


def test_what_cannot_be_meant_is_said_in_the_form(stack: Stack, tmp_path: Path) -> None:
    """No run starts, nothing is left behind, and the words stand above the button; no report is there yet."""
    with locust_page(tmp_path) as url, browser() as chromium:
        page = chromium.new_page()
        page.goto(url)
        enter(page, userCount="5", spawnRate="5", userRate="0", targets="none.toml", seed="1.5")
        alert = page.get_by_role("alert").last
        expect(alert).to_contain_text("--seed must be a whole number", timeout=PATIENCE_MS)
        page.locator('[name="seed"]').fill("1")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(alert).to_contain_text("none.toml cannot be read", timeout=PATIENCE_MS)
        expect(alert).to_contain_text("--user-rate must be above 0")
        picture(page, "refused")
        assert httpx.get(urljoin(url, "verdict/report")).status_code == 404
    assert not (tmp_path / "results").exists()


@pytest.mark.long
def test_a_shape_is_chosen_in_the_page_and_judged_by_its_stages(stack: Stack, tmp_path: Path) -> None:
    """Of two, one is chosen; what cannot be meant is said; the run ends by itself, and the tab has its stages."""
    stack.fresh()
    files = [ROOT / "locustfiles" / name for name in ("ingest.py", "shapes/spike.py", "shapes/steps.py")]
    with locust_page(tmp_path, "-f", ",".join(map(str, files))) as url, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(url)
        chosen = {"shapeClass": "Steps", "peakRate": "much", "stageTime": "2s", "path": "grouped"}
        enter(page, **chosen)
        expect(page.get_by_role("alert").last).to_contain_text("--peak-rate must be", timeout=PATIENCE_MS)
        page.locator('[name="peakRate"]').fill("40")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("tab", name="Verdict").click()
        verdict = page.locator("tr", has=page.get_by_role("cell", name="verdict", exact=True))
        expect(verdict).to_have_text(re.compile("PASS|FAIL|INCONCLUSIVE|INVALID"), timeout=2 * PATIENCE_MS)
        last = row(page, "stage step 4: 40 a second for 2 s")
        assert "planned 80, sent 80, not sent 0" in last[-1]
        assert last[1] in ("PASS", "FAIL", "INCONCLUSIVE", "INVALID")
        picture(page, "shape-judged")
        (directory,) = (tmp_path / "results").iterdir()
        result = json.loads((directory / "result.json").read_text())
        assert verdict.get_by_role("cell").nth(1).inner_text() == result["outcome"]
        assert [stage["planned"] for stage in result["stages"]] == [20, 40, 60, 80]

"""Locust's page in a real Chromium: what users can put into names and errors does not become markup there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from browser_pages import browser
from service_processes import eventually

from seawall.stack.ports import free_ports

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror='window.harmed=1'><script>window.harmed=1</script>"
LOCUSTFILE = f"""
from locust import task
from seawall.load import ScheduledUser

EVIL = {EVIL!r}

class Evil(ScheduledUser):
    @task
    def harm(self):
        with self.client.get("/", name="/" + EVIL, catch_response=True) as answer:
            answer.failure(EVIL)
"""


def test_names_and_errors_are_shown_as_they_are(tmp_path: Path) -> None:
    """In the tables of statistics and failures, and in the report that can be downloaded."""
    (tmp_path / "evil.py").write_text(LOCUSTFILE)
    port = free_ports(1)[0]
    running = subprocess.Popen(
        [
            *(Path(sys.executable).with_name("locust"), "-f", "evil.py", "--web-port", str(port), "--autostart"),
            *("-u", "2", "-r", "2", "--host", "http://127.0.0.1:9"),
        ],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:

        def failures() -> bool:
            try:
                return bool(httpx.get(f"{url}/stats/requests", timeout=5).json()["errors"])
            except (httpx.TransportError, ValueError):
                return False

        eventually(failures, 30)
        with browser() as chromium:
            page = chromium.new_page()
            for place in ("/?tab=stats", "/?tab=failures", "/stats/report"):
                page.goto(url + place)
                page.get_by_text("onerror", exact=False).first.wait_for(timeout=15_000)
                time.sleep(0.5)
                assert page.evaluate("window.harmed") is None, place
    finally:
        running.terminate()
        running.wait(20)

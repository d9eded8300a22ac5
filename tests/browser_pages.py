"""Pages opened in a real Chromium, with everything noted that a browser complains about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
"""`bin/test` looks for the same ones."""
DESKTOP = (1280, 900)
PHONE = (360, 640)
Scheme = Literal["light", "dark"]


def chromium() -> str:
    """Return the path of the system's Chromium."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, f"none of {', '.join(PROGRAMS)} is on the PATH: install one, or deselect with -m 'not browser'"
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """Run a Chromium without a window."""
    with sync_playwright() as playwright:
        # Its sandbox needs namespaces that root in a container does not get.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield opened
        opened.close()


@dataclass
class Opened:
    """A page, and what the browser said and asked for while it was opened."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)


@contextmanager
def opened(
    browser: Browser, path: Path, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light", *, locked: bool = True
) -> Iterator[Opened]:
    """Open the file at *path*; no request but that for the file itself gets out.

    Unless it is *locked*, the page's own policy is put aside, which keeps every script out.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, bypass_csp=not locked
    )
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.said.append(message.text))
    found.page.on("pageerror", lambda error: found.said.append(str(error)))

    def note(route: Route, request: Request) -> None:
        found.asked_for.append(request.url)
        if request.url == path.as_uri():
            route.continue_()
        else:
            route.abort()

    context.route("**/*", note)
    found.page.goto(path.as_uri())
    yield found
    context.close()

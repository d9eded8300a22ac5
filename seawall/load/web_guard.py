"""Locust's web page for those who should have it: it sends load wherever it is told.

Without more it listens on loopback only, where Locust itself would listen everywhere. Beyond that it asks for the
password in ``SEAWALL_WEB_PASSWORD``, by Locust's own login. And on loopback, too, other web pages that the same browser
shows cannot start or stop a run: what they send says where it comes from.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

import gevent
from flask import Flask, Response, redirect, request, session, url_for
from flask_login import UserMixin, login_user
from gevent.lock import BoundedSemaphore
from locust.web import WebUI

from contract.loopback import is_loopback

logger = logging.getLogger(__name__)

USER = "seawall"
VARIABLE = "SEAWALL_WEB_PASSWORD"
_LEAST_CHARACTERS = 12
_SUBMIT = "/login-with-password"
_AFTER_A_WRONG_ONE_S = 1.0
_LOOPBACK = "127.0.0.1"


def stay_on_loopback(parser: ArgumentParser) -> None:
    """Make loopback what ``--web-host`` is where nobody says otherwise."""
    parser.set_defaults(web_host=_LOOPBACK)


def guard_web(web_ui: WebUI, host: str, *, login: bool) -> None:
    """Protect the page that will listen on *host*; raises `ValueError` where others could reach it without a login.

    With *login* but no password in the environment the login is left to the locustfile, as Locust describes it.
    """
    local = is_loopback(host)
    if not local and not login:
        raise ValueError(
            f"--web-host {host}: others could reach the page, and send load anywhere: add --web-login and a password"
            f" ({VARIABLE}), or leave --web-host out and reach the page by `ssh -L 8089:localhost:8089 HOST`"
        )
    if web_ui.app is None:
        return
    web_ui.app.before_request(_refuse_other_pages)
    if local:
        web_ui.app.before_request(_refuse_other_names)
    password = os.environ.get(VARIABLE)
    if login and password is not None:
        if len(password) < _LEAST_CHARACTERS:
            raise ValueError(f"{VARIABLE}: choose a password of at least {_LEAST_CHARACTERS} characters")
        _add_login(web_ui, web_ui.app, password)


def _refuse_other_pages() -> Response | None:
    """Answer 403 to what another site's page sends; a link to the front page is all that it may be."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:  # an old browser, or none
        origin = request.headers.get("Origin")
        foreign = origin is not None and urlsplit(origin).netloc != request.host
    else:
        foreign = site not in ("same-origin", "none")
    is_link = request.method == "GET" and request.endpoint in ("locust.index", "locust.login")
    return Response("another site's page may not do this\n", 403) if foreign and not is_link else None


def _refuse_other_names() -> Response | None:
    """Answer 403 where the address that the browser shows is not this machine's, but was made to lead here."""
    name = urlsplit(f"//{request.host}").hostname or ""
    return None if is_loopback(name) else Response("this page is at localhost\n", 403)


def _add_login(web_ui: WebUI, app: Flask, password: str) -> None:
    class Admin(UserMixin):  # type: ignore[misc]  # flask_login has no types
        """The one user there is."""

        id = USER

    app.secret_key = secrets.token_bytes(32)  # a new process asks for the password again
    app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Strict")
    web_ui.login_manager.user_loader(lambda user: Admin() if user == USER else None)
    web_ui.auth_args = {"username_password_callback": _SUBMIT}
    guessing = BoundedSemaphore(1)

    @app.route(_SUBMIT, methods=["POST"])
    def submit() -> Any:
        given = request.form.get("username", ""), request.form.get("password", "")
        with guessing:  # one guess a second, however many ask
            right = hmac.compare_digest("\0".join(given).encode(), f"{USER}\0{password}".encode())
            if not right:
                gevent.sleep(_AFTER_A_WRONG_ONE_S)
        if right:
            login_user(Admin())
            return redirect(url_for("locust.index"))
        session["auth_error"] = f"This is not the password; the user is {USER}"
        return redirect(url_for("locust.login"))

    logger.info("the web page asks for the password in %s; the user is %s", VARIABLE, USER)

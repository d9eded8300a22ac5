"""``python -m controls.api``: the real API with one planted fault, see `controls.faults`."""

from __future__ import annotations

import sys

from fastapi import FastAPI

from api import __main__ as real
from api import service
from api.app import create_app
from api.settings import Settings
from controls.api_faults import Misbehaving
from controls.careless_path import CarelessPath
from controls.faults import API_FAULTS, Choice, DeedLog, UnknownFault


def create_misbehaving_app(settings: Settings) -> FastAPI:
    """Return the real application with the layer in front of it; its version says what it is."""
    choice = Choice(API_FAULTS)
    app = create_app(settings)
    app.version += " (control)"
    app.state.hot_path = Misbehaving(app.state.hot_path, choice, DeedLog("api"))
    return app


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    # everything from the socket to the tables is the real service's, so it is started by the real service's own words
    vars(real)["create_app"] = create_misbehaving_app
    vars(service)["KafkaPath"] = CarelessPath
    try:
        return real.main()
    except UnknownFault as error:
        print(f"api: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

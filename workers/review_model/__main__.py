"""``python -m workers.review_model``: the service, until SIGTERM or SIGINT; a line says where it listens."""

from __future__ import annotations

import logging
import socket
import sys

import uvicorn
from pydantic import ValidationError

from contract.logs import start_logging
from workers.review_model.service import ReviewModel, create_app
from workers.review_model.settings import Settings


def main() -> int:
    """Serve; return the exit code."""
    try:
        settings = Settings()
    except ValidationError as error:
        for flaw in error.errors():
            print(f"review model: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    start_logging(settings.log_format)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        listening = socket.create_server((settings.model_host, settings.model_port), backlog=1_024)
    except OSError as error:
        print(f"review model: port {settings.model_port} cannot be had: {error}", file=sys.stderr)
        return 2
    app = create_app(ReviewModel(settings))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1, lifespan="off"
    )
    host, port = listening.getsockname()[:2]
    print(f"http://{host}:{port}/v1", flush=True)
    uvicorn.Server(config).run(sockets=[listening])
    return 0


if __name__ == "__main__":
    sys.exit(main())

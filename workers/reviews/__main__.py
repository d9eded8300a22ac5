"""``python -m workers.reviews``: a process that has reviews judged; a line of JSON a batch goes to standard output."""

from __future__ import annotations

import logging
import signal
import sys

import sqlalchemy as sa
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pydantic import ValidationError

from contract.connections import Connections
from contract.errors import BadConnection, NoTopics
from contract.logs import start_logging
from contract.make_topics import create_own_topic
from contract.registry import registry_of
from contract.reviews import LIST, TOPICS
from workers.reviews.errors import WorkerFailed
from workers.reviews.settings import Settings
from workers.reviews.worker import ReviewsWorker


def main() -> int:
    """Work until SIGTERM or SIGINT; return the exit code: 0 stopped, 1 a server does not do its part, 2 wrong usage."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        connections = Connections.read()
        if settings.reviews_shape == LIST:
            create_own_topic(AdminClient({**connections.kafka, "log_level": 0}), TOPICS[LIST])
        worker = ReviewsWorker(connections, settings, registry_of(connections))
    except ValidationError as error:
        for flaw in error.errors():
            print(f"reviews: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    except BadConnection as error:
        print(f"reviews: {error}", file=sys.stderr)
        return 2
    except (NoTopics, KafkaException) as error:
        print(f"reviews: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    try:
        worker.run()
    except (WorkerFailed, sa.exc.SQLAlchemyError) as error:
        logging.getLogger("workers.reviews").error("%s; start the worker again", error)  # noqa: TRY400 - says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

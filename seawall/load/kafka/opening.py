"""Where Kafka users meet the rest of the load side: before a run is let start, and at its start."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from locust.env import Environment

from seawall.load.kafka.asking import in_a_thread
from seawall.load.kafka.errors import KafkaUnusable, NoneKnown
from seawall.load.run import LoadRun

SCHEME = "kafka://"

logger = logging.getLogger(__name__)


def kafka_classes(environment: Environment) -> list[Any]:
    """Return the user classes that write to Kafka; nothing of Kafka's library is loaded where there are none."""
    return [one for one in environment.user_classes if getattr(one, "protocol", "") == "kafka"]


def are_all_kafka(environment: Environment) -> bool:
    """Tell whether no user class speaks anything but Kafka, so that a run needs no service's address."""
    classes = kafka_classes(environment)
    return bool(classes) and len(classes) == len(environment.user_classes)


def check_kafka(environment: Environment, options: Any) -> None:
    """Raise `ValueError` where Kafka users could not write: settings, brokers or topics are not as they need them.

    Fills in the brokers as Locust's host, where the run has no other.
    """
    classes = kafka_classes(environment)
    host, alone = environment.host, are_all_kafka(environment)
    if host and alone and not host.startswith(SCHEME):
        raise KafkaUnusable(f"--host {host} is no Kafka: give {SCHEME}SERVER:PORT, or leave it out")
    if host and not alone and host.startswith(SCHEME):
        names = sorted(one.__name__ for one in environment.user_classes if one not in classes)
        raise KafkaUnusable(
            f"--host {host} is no address for {', '.join(names)}: name user classes on the command line"
        )
    if not classes:
        return
    from seawall.load.kafka.brokers import check_brokers  # noqa: PLC0415 - few users need it
    from seawall.load.kafka.terms import terms_of  # noqa: PLC0415

    try:
        terms = terms_of(classes, host, options.entity)
    except NoneKnown:
        if options.worker:  # its master will tell
            return
        raise
    if alone and not host:
        environment.host = terms.url
    # Workers of other hosts may know brokers that their master does not reach; forked ones are asked for by it.
    if not options.processes if options.worker else (options.processes or not options.master):
        in_a_thread(partial(check_brokers, terms.connection, terms.topics))


def open_outlet(environment: Environment, load: LoadRun) -> Any:
    """Return what the Kafka users of *load* send by; where there can be none, why; None where there are no such users.

    Returns once records can be written, and would be seen.
    """
    classes = kafka_classes(environment)
    if not classes:
        return None
    from seawall.load.kafka.outlet import Outlet  # noqa: PLC0415 - few users need it
    from seawall.load.kafka.terms import terms_of  # noqa: PLC0415
    from seawall.load.kafka.traced_outlet import TracedOutlet  # noqa: PLC0415
    from seawall.load.setup import counts_of  # noqa: PLC0415 - which starts from here

    try:
        terms, counts = terms_of(classes, environment.host, load.entity), counts_of(environment)
        if load.traces is None:
            return Outlet(terms, load, counts)
        return TracedOutlet(terms, load, counts, load.traces)
    except KafkaUnusable as error:
        logger.error("no record can be written to Kafka: %s", error)  # noqa: TRY400 - the words are all there is
        return error

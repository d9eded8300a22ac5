"""All faults by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seawall.stack.faults import database, disks, groups, network, processes, records, upgrades
from seawall.stack.faults.fault import BY_DATABASE, BY_LOG, EVERY_PATH, NO_PATH, Disturbance, Fault, Field
from seawall.stack.state import StackState

_API_S, _OTHERS_S = 3.0, 15.0
DATABASES = ("postgres", "mariadb")
"""Kinds of services of which a stack has one."""


def _of_processes() -> Iterator[Fault]:
    for target, of_whom, kind, choose, touches in (
        ("api", "the API", "api", processes.one_of("api"), EVERY_PATH),
        ("sink", "a sink", "sink", processes.one_of("sink"), NO_PATH),
        ("broker", "a broker", "kafka", processes.another_broker, BY_LOG),
        ("controller", "the broker that leads", "kafka", processes.controller, BY_LOG),
        ("postgres", "PostgreSQL", "postgres", processes.one_of("postgres"), BY_DATABASE),
        ("mariadb", "MariaDB", "mariadb", processes.one_of("mariadb"), BY_DATABASE),
        ("valkey", "Valkey", "valkey", processes.one_of("valkey"), NO_PATH),
    ):
        obstacle: Callable[[StackState], str] = processes.not_ours(kind, of_whom)
        if target == "controller":
            obstacle = _either(obstacle, processes.no_quorum)
        makers: tuple[tuple[str, str, Callable[[Field], Disturbance]], ...] = (
            ("kill", f"{of_whom} is killed (SIGKILL) and stays down for a while", processes.kill(choose)),
            ("pause", f"{of_whom} stands still (SIGSTOP) and goes on (SIGCONT)", processes.pause(choose)),
            ("restart", f"{of_whom} is ended in good order and started again", processes.restart(choose)),
        )
        heals = _API_S if target == "api" else _OTHERS_S
        for verb, does, make in makers:
            database = kind if kind in DATABASES else ""
            yield Fault(
                f"{verb}-{target}",
                does,
                make,
                touches,
                heals,
                hides_references=bool(database),
                obstacle=obstacle,
                database=database,
            )


def _of_networks() -> Iterator[Fault]:
    for link, touches in (
        ("api-postgres", BY_DATABASE),
        ("sink-postgres", NO_PATH),
        ("api-mariadb", BY_DATABASE),
        ("sink-mariadb", NO_PATH),
        ("api-kafka", BY_LOG),
        ("sink-kafka", NO_PATH),
        ("api-valkey", NO_PATH),
    ):
        between = " and ".join(link.split("-"))
        makers: tuple[tuple[str, str, Callable[[Field], Disturbance]], ...] = (
            ("cut", f"connections between {between} are broken, and new ones too", network.cut(link)),
            ("silence", f"nothing passes between {between}, and nothing is closed", network.silence(link)),
            ("slow", f"what passes between {between} is {network.SLOW_S * 1e3:g} ms late", network.slow(link)),
        )
        for verb, does, make in makers:
            client, _, server = link.partition("-")
            database = server if server in DATABASES else ""
            yield Fault(
                f"{verb}-{link}",
                does,
                make,
                touches,
                _OTHERS_S,
                hides_references=bool(database) and client == "api",
                obstacle=network.no_link(link),
                database=database,
            )


def _of_servers() -> Iterator[Fault]:
    no_database = processes.foreign_database
    no_log = processes.not_ours("kafka", "broker")
    yield Fault(
        "lock-tables",
        "a transaction locks every table",
        database.lock,
        BY_DATABASE,
        _OTHERS_S,
        hides_references=True,
        obstacle=no_database,
    )
    yield Fault(
        "exhaust-connections",
        "somebody takes all connections of the database, those of API and sinks too",
        database.exhaust,
        BY_DATABASE,
        _OTHERS_S,
        hides_references=True,
        obstacle=no_database,
    )
    yield Fault(
        "poison-records",
        "messages that nobody can read come into every topic",
        records.poison,
        NO_PATH,
        _OTHERS_S,
        obstacle=no_log,
    )
    yield Fault(
        "roll-sinks",
        "each sink is ended and started again under its name, one after the other",
        upgrades.upgrade("sink", in_place=True),
        NO_PATH,
        _OTHERS_S,
        under_load=True,
        obstacle=processes.not_ours("sink", "sink"),
    )
    yield Fault(
        "rebalance-storm",
        "sinks join the group and leave it again, some of them killed",
        groups.storm,
        NO_PATH,
        _OTHERS_S,
        obstacle=processes.not_ours("sink", "sink"),
    )


def _of_replicas() -> Iterator[Fault]:
    yield Fault(
        "wipe-broker",
        "a broker dies and comes back with an empty disk",
        disks.wipe,
        BY_LOG,
        _OTHERS_S,
        obstacle=_either(processes.not_ours("kafka", "broker"), disks.only_replica),
    )


def _of_disks() -> Iterator[Fault]:
    for name, owner, touches, foreign in (
        ("broker", "kafka", BY_LOG, processes.not_ours("kafka", "broker")),
        ("database", "database", BY_DATABASE, processes.foreign_database),
    ):
        yield Fault(
            f"fill-{name}-disk",
            f"the disk of the {name} is full, to the last byte",
            disks.fill(owner),
            touches,
            _OTHERS_S,
            hides_references=owner == "database",
            obstacle=_either(foreign, disks.no_small_disk(owner)),
        )


def _of_upgrades() -> Iterator[Fault]:
    for name, does, make in (
        ("upgrade-sinks", "sinks are replaced one by one, each new one at work before an old one ends",
         upgrades.upgrade("sink")),
        ("upgrade-api", "API processes are replaced one by one behind HAProxy, each new one ready before one goes",
         upgrades.upgrade("api")),
        ("blue-green", "new API processes take all requests over at once behind HAProxy, and the old ones end",
         upgrades.Switch),
        ("canary", "a new API process takes a tenth of the requests behind HAProxy, new ones half, then all",
         upgrades.Canary),
    ):  # fmt: skip
        yield Fault(name, does, make, NO_PATH, _OTHERS_S, under_load=True, obstacle=upgrades.no_spares)


def _either(*obstacles: Callable[[StackState], str]) -> Callable[[StackState], str]:
    return lambda state: next(filter(None, (obstacle(state) for obstacle in obstacles)), "")


NEED_SMALL_DISKS = {fault.name for fault in _of_disks()}
NEED_SPARES = {fault.name for fault in _of_upgrades()}
_GROUPS = (_of_processes, _of_networks, _of_servers, _of_replicas, _of_disks, _of_upgrades)
CATALOGUE = {fault.name: fault for group in _GROUPS for fault in group()}

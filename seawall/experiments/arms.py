"""The arms of a comparison: what each asks of the servers, and what the servers report once it is made.

A write path is an arm that takes the servers as they are. The arms of `ARMS` promise a durability: which stack and
which settings they need stands there and nowhere else. A promise that the servers do not report ends the experiment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from contract.connections import Connections
from seawall.experiments.errors import ArmNotMade
from seawall.result import Arm
from seawall.stack.server_settings import ServerSettings
from seawall.tuning.kafka_settings import KafkaSettings

PATHS = ("sync", "grouped", "kafka")

_ON_DISK = ("fsync", "1 broker, flushed")
"""Both promise the same: an answer comes after a flush to the one disk that there is."""


@dataclass(frozen=True, kw_only=True)
class ArmPlan:
    """What an arm asks for."""

    name: str
    path: str
    brokers: int | None = None
    """How many its stack must have; None where that is all the same to it."""
    started_with: KafkaSettings = field(default_factory=KafkaSettings)
    """What its stack is started with; arms that differ in it have stacks of their own."""
    settings: ServerSettings = field(default_factory=ServerSettings)
    """Of the running servers; what it does not name is as the stack was started."""
    acks: str = "all"
    """Whose word the path `kafka` waits for, where it is not that of all in-sync replicas."""
    durability: str = ""
    """What the servers must report, in the words of `arm_of`; empty takes what they report."""
    about: str = ""


ARMS = {
    arm.name: arm
    for arm in (
        ArmPlan(
            name="sync", path="sync", durability="fsync", about="one transaction a request, flushed before the answer"
        ),
        ArmPlan(
            name="sync-later",
            path="sync",
            settings=ServerSettings(
                postgres={"synchronous_commit": "off"}, mariadb={"innodb_flush_log_at_trx_commit": "0"}
            ),
            durability="fsync later",
            about="the same, answered before the flush (synchronous_commit off, innodb_flush_log_at_trx_commit 0)",
        ),
        ArmPlan(
            name="grouped", path="grouped", durability="fsync", about="one flushed transaction for waiting requests"
        ),
        ArmPlan(
            name="kafka",
            path="kafka",
            brokers=1,
            durability="1 broker, page cache",
            about="acknowledged by one broker, not flushed",
        ),
        ArmPlan(
            name="kafka-flushed",
            path="kafka",
            brokers=1,
            settings=ServerSettings(topics={"flush.messages": "1"}),
            durability="1 broker, flushed",
            about="one broker that flushes before it acknowledges (flush.messages 1)",
        ),
        ArmPlan(
            name="sync-3", path="sync", brokers=3, durability="fsync", about="sync while three brokers run: the bridge"
        ),
        ArmPlan(
            name="kafka-3",
            path="kafka",
            brokers=3,
            durability="3 replicas, min ISR 2, page cache",
            about="in the page cache of at least two of three brokers",
        ),
    )
}
"""By name; another issue adds its arms here."""


def as_they_are(paths: Iterable[str]) -> tuple[ArmPlan, ...]:
    """Return an arm for each write path, on servers as they are."""
    return tuple(ArmPlan(name=path, path=path) for path in paths)


def durability_arms(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the arms that `compare --durability` runs for these write paths.

    A bridge is among them only where there is something on its other side.
    """
    paths = tuple(paths)
    return tuple(name for name, arm in ARMS.items() if arm.path in paths and (name != "sync-3" or "kafka" in paths))


def arm_of(plan: ArmPlan, settings: dict[str, Any]) -> Arm:
    """Return the arm of *plan*; *settings* are what `Stack.settings` read back.

    Raises `ArmNotMade` where the servers report another durability than the plan promises.
    """
    if plan.path == "kafka":
        words, kept = _kafka_durability(settings), settings
        if plan.acks != "all":
            words += f", acks={plan.acks}"
    else:
        words = _database_durability(settings)
        kept = {name: value for name, value in settings.items() if name in ("api", "postgres", "mariadb", "http-cache")}
    tuned = plan.settings
    if tuned.variables or tuned.brokers:
        kept = {**kept, "tuned": {"brokers": tuned.brokers, **tuned.variables}}
    if plan.durability and words != plan.durability:
        raise ArmNotMade(
            f"{plan.name} promises {plan.durability!r}, and the servers report {words!r}: correct their settings, or"
            f" compare them as they are with --paths {plan.path}"
        )
    return Arm(name=plan.name, path=plan.path, durability=words, settings=kept)


def unequal(base: Arm, arm: Arm) -> str:
    """Return in words how the durability of *arm* differs from that of *base*; empty where they promise the same."""
    if base.durability == arm.durability or {base.durability, arm.durability} <= set(_ON_DISK):
        return ""
    return f"{arm.durability} against {base.durability}"


def not_to_be_made(plans: Iterable[ArmPlan], given: Connections) -> list[str]:
    """Return, for each of *plans* that the servers in *given* do not allow, why."""
    found = []
    for plan in plans:
        if not plan.durability:
            continue
        if given.api_url:
            found.append(f"--arms: {plan.name} needs a service of ours: unset SEAWALL_API_URL, or leave the arm out")
        if given.database_url and plan.settings.postgres:
            found.append(
                f"--arms: {plan.name} changes settings of the database, and that of SEAWALL_DATABASE_URL is not ours:"
                " unset it, or leave the arm out"
            )
        if given.kafka_bootstrap_servers and (plan.brokers or plan.settings.topics):
            found.append(
                f"--arms: {plan.name} needs a Kafka of its own, and SEAWALL_KAFKA_BOOTSTRAP_SERVERS names another:"
                " unset it, or leave the arm out"
            )
    return found


def _database_durability(settings: dict[str, Any]) -> str:
    if "mariadb" in settings:
        return _mariadb_durability(settings["mariadb"])
    postgres = settings.get("postgres", {})
    if postgres.get("fsync") == "off":
        return "no fsync"
    if postgres.get("synchronous_commit") == "off":
        return "fsync later"
    return "fsync"


def _mariadb_durability(said: dict[str, Any]) -> str:
    """Return the class of InnoDB's log, and of the binary log where there is one: what is not in it is taken back."""
    if said.get("innodb_flush_log_at_trx_commit") != "1":
        return "fsync later"
    return "fsync later" if said.get("log_bin") == "ON" and said.get("sync_binlog") != "1" else "fsync"


def _kafka_durability(settings: dict[str, Any]) -> str:
    kafka = settings.get("kafka", {})
    topics = list(kafka.get("topics", {}).values())
    topic = topics[0] if topics else {}
    replicas = int(topic.get("replication_factor", 1))
    kept = "flushed" if str(topic.get("flush.messages", "")) == "1" else "page cache"
    if replicas == 1:
        return f"1 broker, {kept}"
    return f"{replicas} replicas, min ISR {topic.get('min.insync.replicas', '?')}, {kept}"

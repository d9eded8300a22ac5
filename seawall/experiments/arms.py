"""The arms of a comparison: a write path, its settings as the servers report them, and its durability in words."""

from __future__ import annotations

from typing import Any

from seawall.result import Arm

PATHS = ("sync", "grouped", "kafka")


def arm_of(path: str, settings: dict[str, Any]) -> Arm:
    """Return the arm of *path*; *settings* are what `Stack.settings` read back."""
    if path == "kafka":
        return Arm(name=path, path=path, durability=_kafka_durability(settings), settings=settings)
    database = {name: value for name, value in settings.items() if name == "postgres"}
    return Arm(name=path, path=path, durability=_database_durability(settings), settings=database)


def _database_durability(settings: dict[str, Any]) -> str:
    postgres = settings.get("postgres", {})
    if postgres.get("fsync") == "off":
        return "no fsync"
    if postgres.get("synchronous_commit") == "off":
        return "fsync later"
    return "fsync"


def _kafka_durability(settings: dict[str, Any]) -> str:
    kafka = settings.get("kafka", {})
    topics = list(kafka.get("topics", {}).values())
    topic = topics[0] if topics else {}
    replicas = int(topic.get("replication_factor", 1))
    kept = "flushed" if str(topic.get("flush.messages", "")) == "1" else "page cache"
    if replicas == 1:
        return f"1 broker, {kept}"
    return f"{replicas} replicas, min ISR {topic.get('min.insync.replicas', '?')}, {kept}"

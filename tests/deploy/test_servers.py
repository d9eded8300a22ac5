"""Servers of others by the settings of the compose file: brokers that find each other, a replica that follows."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest
import yaml
from compose import COMPOSE, service
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from manifests import BASE, built, one
from psycopg import sql
from service_processes import eventually, free_port

from contract.topics import record_topics
from seawall.stack import places
from seawall.stack.jars import JarCache
from seawall.stack.java import find_java
from seawall.stack.stack import Stack

NODES = ("kafka-1", "kafka-2", "kafka-3")
NOT_THE_BROKERS = {"KAFKA_HEAP_OPTS"}
"""What the image's start script keeps for itself."""
PROMTOOL = shutil.which("promtool")
LOGGING = """\
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
"""


def settings_of(environment: dict[str, str]) -> dict[str, str]:
    """Return the brokers' settings that the image makes of variables (`core/src/main/scala/kafka/docker` of Kafka)."""
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name not in NOT_THE_BROKERS
    }


def test_brokers_have_the_same_settings_on_kubernetes() -> None:
    """But for memory, and what has the hosts' names or the password in it."""
    container = one(built(BASE), "StatefulSet", "kafka")["spec"]["template"]["spec"]["containers"][0]
    there = settings_of({each["name"]: each.get("value", "") for each in container["env"]})
    here = settings_of(service("kafka-1")["environment"])
    assert here.keys() == there.keys()
    own = {name for name in here if here[name] != there[name]}
    assert own == {
        "node.id",
        "log.dirs",
        "advertised.listeners",
        "controller.quorum.voters",
        "listener.name.broker.plain.sasl.jaas.config",
        "listener.name.controller.plain.sasl.jaas.config",
    }
    password = re.compile(r'(password|user_seawall)="[^"]*"')
    for name in own:
        if name.endswith("jaas.config"):
            assert password.sub("", here[name]) == password.sub("", there[name])


@contextlib.contextmanager
def brokers(place: Path) -> Iterator[str]:
    """Run three brokers by the compose file's settings, with ports of this machine; yield the bootstrap servers."""
    ports = {name: (free_port(), free_port()) for name in NODES}

    def here(text: str) -> str:
        for name, (broker, controller) in ports.items():
            text = text.replace(f"{name}:9092", f"127.0.0.1:{broker}").replace(
                f"{name}:9093", f"127.0.0.1:{controller}"
            )
        return text

    logging = place / "log4j2.properties"
    logging.write_text(LOGGING, encoding="utf-8")
    jvm = [
        str(find_java().program),
        "-Xmx256m",
        f"-Dlog4j2.configurationFile=file:{logging}",
        "-cp",
        JarCache().class_path(),
    ]
    files: dict[str, Path] = {}
    with contextlib.ExitStack() as started:
        for name in NODES:
            environment = service(name)["environment"]
            settings = {key: here(value) for key, value in settings_of(environment).items()}
            settings["listeners"] = (
                settings["listeners"].replace("9092", str(ports[name][0])).replace("9093", str(ports[name][1]))
            )
            settings["log.dirs"] = str(place / name)
            file = place / f"{name}.properties"
            file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()), encoding="utf-8")
            files[name] = file
            formatting = [*jvm, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", str(file)]
            subprocess.run(formatting, check=True, capture_output=True)
        # all at once: one that finds no quorum for a minute gives up, and a container would then be started again
        for name, file in files.items():
            output = started.enter_context((place / f"{name}.log").open("wb"))
            process = subprocess.Popen([*jvm, "kafka.Kafka", str(file)], stdout=output, stderr=output)
            started.callback(process.wait)
            started.callback(process.kill)
        yield ",".join(f"127.0.0.1:{broker}" for broker, _ in ports.values())


@pytest.mark.long
@pytest.mark.usefixtures("stack")  # so that the jars are there
def test_three_brokers_find_each_other_and_take_the_topics(tmp_path: Path) -> None:
    """With the password only; topics have three replicas, and nine partitions, and a write needs two."""
    wanted = service("topics")
    password = wanted["environment"]["SEAWALL_KAFKA_SASL_PASSWORD"]
    with brokers(tmp_path) as servers:
        login = {
            "bootstrap.servers": servers,
            "security.protocol": wanted["environment"]["SEAWALL_KAFKA_SECURITY_PROTOCOL"],
            "sasl.mechanism": wanted["environment"]["SEAWALL_KAFKA_SASL_MECHANISM"],
            "sasl.username": wanted["environment"]["SEAWALL_KAFKA_SASL_USERNAME"],
            "log_level": 0,
        }
        admin = AdminClient({**login, "sasl.password": password})

        def all_there() -> bool:
            with contextlib.suppress(KafkaException):
                return len(admin.list_topics(timeout=5).brokers) == len(NODES)
            return False

        eventually(all_there, within_s=600)
        with pytest.raises(KafkaException):
            AdminClient({**login, "sasl.password": "another"}).list_topics(timeout=5)
        made = subprocess.run(
            [sys.executable, *wanted["command"][1:]],
            env={**os.environ, **wanted["environment"], "SEAWALL_KAFKA_BOOTSTRAP_SERVERS": servers},
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        topics = admin.list_topics(timeout=60).topics
        for name in record_topics():
            assert [len(partition.replicas) for partition in topics[name].partitions.values()] == [3] * 9


@pytest.mark.long
def test_the_replica_copies_the_primary_once_and_follows_it(stack: Stack, tmp_path: Path) -> None:
    """By the two scripts of the compose file, with the programs of the embedded server; started again it goes on."""
    user = places.unprivileged_user()
    place = places.make_private(user, f"deploy-{uuid.uuid4().hex[:8]}") if user else tmp_path
    servers = Servers(place, _binaries_of(stack), pwd.getpwnam(user) if user else None, tmp_path)
    port, second = free_port(), free_port()
    url, copy = (f"postgresql://seawall:primary@127.0.0.1:{one}/postgres" for one in (port, second))
    given = {"POSTGRES_USER": "seawall", "POSTGRES_DB": "postgres", "POSTGRES_PASSWORD": "primary"}
    given |= {"REPLICATION_PASSWORD": "replication", "PGDATA": str(place / "primary")}
    given |= {"PGHOST": "127.0.0.1", "PGPORT": str(port)}
    following = {"PGDATA": str(place / "replica" / "docker"), "PGPASSWORD": "replication"}
    following |= {"PRIMARY_HOST": "127.0.0.1", "PRIMARY_PORT": str(port)}
    try:
        (place / "password").write_text("primary", encoding="utf-8")
        (place / "password").chmod(0o644)
        options = service("postgres")["environment"]["POSTGRES_INITDB_ARGS"].split()
        servers.run(["initdb", "-U", "seawall", f"--pwfile={place / 'password'}", *options], given)
        primary = ["postgres", "-p", str(port), *QUIET]
        with servers.running(primary, given):
            eventually(lambda: _counted(url, "pg_roles") > 0, within_s=120)
            servers.run(["sh", servers.script("postgres-primary.sh")], given)
        with servers.running(primary, given):
            eventually(lambda: _counted(url, "pg_roles") > 0, within_s=120)
            _do(url, "CREATE TABLE seen (number int)")
            script = ["sh", servers.script("postgres-replica.sh"), "-p", str(second), *QUIET]
            for number in (1, 2):
                _do(url, "INSERT INTO seen VALUES (1)")
                with servers.running(script, following):
                    eventually(partial(_has, copy, number), within_s=240)
                    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                        _do(copy, "INSERT INTO seen VALUES (1)")
            assert _counted(url, "pg_replication_slots") == 1
        assert "base backup" not in servers.logs[-1].read_text(encoding="utf-8")
    finally:
        shutil.rmtree(place, ignore_errors=True)


QUIET = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]


@dataclass
class Servers:
    """Programs of PostgreSQL, and scripts, as the user that may run them."""

    place: Path
    binaries: Path
    owner: pwd.struct_passwd | None
    directory: Path
    logs: list[Path] = field(default_factory=list)

    def script(self, name: str) -> str:
        """Return a copy of a script that the user can read."""
        copy = self.place / name
        shutil.copy(COMPOSE / name, copy)
        copy.chmod(0o755)
        return str(copy)

    def run(self, words: list[str], environment: dict[str, str]) -> None:
        """Run a program to its end."""
        with self.running(words, environment, wait=True):
            pass

    @contextlib.contextmanager
    def running(self, words: list[str], environment: dict[str, str], *, wait: bool = False) -> Iterator[None]:
        """Run a program, and end it as the compose file would."""
        log = self.directory / f"{len(self.logs)}.log"
        self.logs.append(log)
        owner = self.owner
        with log.open("wb") as output:
            process = subprocess.Popen(
                words,
                env={"PATH": f"{self.binaries}:/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
                stdout=output,
                stderr=output,
                cwd="/",
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )
        try:
            if wait:
                assert process.wait(300) == 0, log.read_text(encoding="utf-8")
            yield
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)


def _binaries_of(stack: Stack) -> Path:
    return Path(psutil.Process(stack.state.services["postgres"].pid).exe()).parent


def _do(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement)


def _has(url: str, rows: int) -> bool:
    return _counted(url, "seen") == rows


def _counted(url: str, table: str) -> int:
    """Return how many rows *table* has; -1 where the server does not tell."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        return int(row[0]) if row else -1
    return -1


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on the PATH (Debian: apt-get install prometheus)")
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    """With its files where they are here; a broken one it does not take."""
    assert PROMTOOL is not None
    rules, key = tmp_path / "rules.yaml", tmp_path / "key"
    rules.write_text(yaml.safe_dump({"groups": []}), encoding="utf-8")
    key.write_text("key", encoding="utf-8")
    text = (COMPOSE / "prometheus.yaml").read_text(encoding="utf-8")
    text = text.replace("/etc/prometheus/rules.yaml", str(rules)).replace("/run/secrets/prometheus-key", str(key))
    file = tmp_path / "prometheus.yaml"
    for wrong, code in (("", 0), ("scrape_intervall: 5s\n", 1)):
        file.write_text(wrong + text, encoding="utf-8")
        done = subprocess.run([PROMTOOL, "check", "config", file], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr

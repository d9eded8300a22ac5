"""Apache Kafka: one embedded node in KRaft mode, and what is asked of any cluster."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from seawall.stack import jvm, small_disk
from seawall.stack.broker_metrics import BrokerMetrics
from seawall.stack.children import last_lines
from seawall.stack.class_archive import ClassArchive
from seawall.stack.errors import ServerFailed, Unreachable
from seawall.stack.jars import JarCache, kafka_version
from seawall.stack.java import Java
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, make_directories, plain_environment

_CHECK_S = 6.0
_USER = "seawall"
_STOP_AND_ARCHIVE_S = 20.0

_LOGGING = """\
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
logger.config.name=org.apache.kafka.common.config.AbstractConfig
logger.config.level=WARN
"""


class Quorum:
    """What all nodes of one cluster share: its id, a password for everybody, and each node's two ports."""

    def __init__(self, ports: list[tuple[int, int]]) -> None:
        self.ports = ports
        self.cluster_id = new_id()
        self.password = secrets.token_urlsafe(18)

    @property
    def access(self) -> dict[str, Any]:
        """Fields of `Connections` with which a client reaches the cluster."""
        return {
            "kafka_bootstrap_servers": self.bootstrap_servers,
            "kafka_security_protocol": "SASL_PLAINTEXT",
            "kafka_sasl_mechanism": "PLAIN",
            "kafka_sasl_username": _USER,
            "kafka_sasl_password": SecretStr(self.password),
            "kafka_ssl_ca_location": None,
        }

    def client_settings(self, address: str) -> dict[str, Any]:
        """Return librdkafka's settings to reach the node at *address*."""
        return {
            "bootstrap.servers": address,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": _USER,
            "sasl.password": self.password,
        }

    def listener_settings(self, names: Iterable[str]) -> dict[str, object]:
        """Return the broker's settings that ask for the password at each of these listeners."""
        login = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required"
            f' username="{_USER}" password="{self.password}" user_{_USER}="{self.password}";'
        )
        return {
            "listener.security.protocol.map": ",".join(f"{name}:SASL_PLAINTEXT" for name in names),
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            **{f"listener.name.{name.lower()}.plain.sasl.jaas.config": login for name in names},
        }

    @property
    def voters(self) -> str:
        """The controllers, as ``controller.quorum.voters`` wants them."""
        return ",".join(f"{node}@{HOST}:{controller}" for node, (_, controller) in enumerate(self.ports, start=1))

    @property
    def bootstrap_servers(self) -> str:
        """The brokers' addresses."""
        return ",".join(f"{HOST}:{broker}" for broker, _ in self.ports)


class KafkaNode(OwnService):
    """One combined node (broker and controller) of the Kafka whose jars are pinned."""

    kind = "kafka"
    stop_within_s = 3.0  # its data is thrown away, and a quorum that stops as one may wait for itself
    ready_within_s = 100.0

    def __init__(
        self,
        node: int,
        quorum: Quorum,
        *,
        java: Java,
        jars: JarCache,
        directory: Path,
        log: Path,
        archive: ClassArchive | None = None,
        linked: Mapping[str, tuple[int, int]] | None = None,
        settings: Mapping[str, str] | None = None,
        disk_mb: int = 0,
        metrics: BrokerMetrics | None = None,
        java_settings: Mapping[str, str] | None = None,
    ) -> None:
        """*linked* names further listeners, each with its port and with that of the link that leads to it.

        With *disk_mb* its data lies on a file system of that size.
        """
        self.name = f"kafka-{node}"
        self._linked = linked or {}
        self._further = settings or {}
        self.data = directory / "data"
        self._disk_mb = disk_mb
        self.port: int | None = quorum.ports[node - 1][0]
        self.address = f"{HOST}:{self.port}"
        self._node, self._quorum, self._java, self._jars = node, quorum, java, jars
        self._directory, self._log, self._archive = directory, log, archive
        self._metrics, self._jvm = metrics, java_settings or {}
        self.metrics_url = "" if metrics is None else metrics.url
        self._admin: Any = None
        self._was_ready = False

    def prepare(self) -> None:
        """Write the configuration and format the storage."""
        data = self.data
        make_directories(self._directory, self._directory / "tmp", data)
        if self._disk_mb:
            small_disk.mount(data, self._disk_mb, uid=os.geteuid(), gid=os.getegid())
        lines = (f"{name}={value}\n" for name, value in self._settings(data).items())
        properties = self._directory / "server.properties"
        properties.touch(mode=0o600)  # the password is in it
        properties.write_text("".join(lines), encoding="ascii")
        (self._directory / "log4j2.properties").write_text(_LOGGING, encoding="ascii")
        if self._metrics is not None:
            self._metrics.write(self._directory)
        template = Path(__file__).with_name(f"kafka-{kafka_version()}.checkpoint")
        if template.exists():
            self._format_from(template, data)
        else:
            self.format_with_its_tool()

    def command(self) -> list[str]:
        """Return the broker's command line, with the flags of Kafka's own start script."""
        archive: list[str] = []
        if self._archive is not None:
            # one that is started again could leave half of it, and one with an agent leaves none
            leaves = self._node == 1 and not self._was_ready and self._metrics is None and jvm.is_usual(self._jvm)
            archive = self._archive.flags(leaves=leaves)
            if leaves and self._archive.wanted:
                self.stop_within_s = _STOP_AND_ARCHIVE_S
        return [
            *self._java_command(jvm.flags(self._jvm)),
            *([] if self._metrics is None else [self._metrics.flag(self._directory)]),
            *archive,
            *("kafka.Kafka", str(self._directory / "server.properties")),
        ]

    def environment(self) -> dict[str, str]:
        """Return a plain environment."""
        return plain_environment(self._directory / "tmp")

    def answer(self) -> str:
        """Return the version once this node names all brokers of the cluster; raises `NotReady`."""
        from confluent_kafka import KafkaException  # noqa: PLC0415 - loaded while the servers start
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415

        if self._admin is None:
            quick = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100, "log_level": 0}
            self._admin = AdminClient({**self._quorum.client_settings(self.address), **quick})
        try:
            brokers = len(self._admin.list_topics(timeout=0.5).brokers)
        except KafkaException as error:
            raise NotReady(str(error.args[0])) from None
        if brokers < len(self._quorum.ports):
            raise NotReady(f"{brokers} of {len(self._quorum.ports)} brokers are there")
        self._admin = None
        self._was_ready = True
        return kafka_version()

    def _java_command(self, flags: list[str]) -> list[str]:
        return [
            *(str(self._java.program), *flags, "-server"),
            f"-Djava.io.tmpdir={self._directory / 'tmp'}",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile=file:{self._directory / 'log4j2.properties'}",
            *("-cp", self._jars.class_path()),
        ]

    def _settings(self, data: Path) -> dict[str, object]:
        broker, controller = self._quorum.ports[self._node - 1]
        nodes = len(self._quorum.ports)
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": self._node,
            "controller.quorum.voters": self._quorum.voters,
            "listeners": ",".join(
                [
                    f"BROKER://{HOST}:{broker}",
                    f"CONTROLLER://{HOST}:{controller}",
                    *(f"{name}://{HOST}:{port}" for name, (port, _) in self._linked.items()),
                ]
            ),
            # who comes by a link is sent on by it, and not past it
            "advertised.listeners": ",".join(
                [
                    f"BROKER://{HOST}:{broker}",
                    *(f"{name}://{HOST}:{port}" for name, (_, port) in self._linked.items()),
                ]
            ),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "BROKER",
            **self._quorum.listener_settings(["CONTROLLER", "BROKER", *self._linked]),
            "log.dirs": data,
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": nodes,
            "offsets.topic.num.partitions": 3,  # the default of 50 makes the first commit slow
            "transaction.state.log.replication.factor": nodes,
            "transaction.state.log.min.isr": min(nodes, 2),
            "transaction.state.log.num.partitions": 3,
            "share.coordinator.state.topic.replication.factor": nodes,
            "share.coordinator.state.topic.min.isr": min(nodes, 2),
            "share.coordinator.state.topic.num.partitions": 3,
            "default.replication.factor": nodes,
            "group.initial.rebalance.delay.ms": 0,  # the default of 3 s would dominate short trials
            "log.cleaner.dedupe.buffer.size": 16 * 2**20,
            "unclean.leader.election.enable": "false",
            # a node that died waits for the end of its own old session, too, before it may come back (KAFKA-19130)
            "broker.session.timeout.ms": 6000,
            "broker.heartbeat.interval.ms": 1000,
        }
        if nodes > 1:
            settings["replica.lag.time.max.ms"] = 10000
        return {**settings, **self._further}

    def _format_from(self, template: Path, data: Path) -> None:
        # What Kafka's StorageTool writes: the cluster's first features are the same for every cluster of a version, so
        # its checkpoint is kept as a file and a second JVM is spared; a test holds the two against each other.
        shutil.copyfile(template, data / "bootstrap.checkpoint")
        (data / "meta.properties").write_text(
            f"version=1\ncluster.id={self._quorum.cluster_id}\nnode.id={self._node}\ndirectory.id={new_id()}\n",
            encoding="ascii",
        )

    def format_with_its_tool(self) -> None:
        """Format the storage with Kafka's StorageTool, as is needed for a version whose checkpoint is not kept."""
        tool = ["kafka.tools.StorageTool", "format", "-t", self._quorum.cluster_id]
        command = [*self._java_command(["-Xmx128m"]), *tool, "-c", str(self._directory / "server.properties")]
        with self._log.open("ab") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment(), check=False
            )
        if done.returncode:
            raise ServerFailed(f"{self.name}: format failed; the end of {self._log}:\n{last_lines(self._log)}")


def new_id() -> str:
    """Return a random id as Kafka writes them: 16 bytes in base64."""
    while True:
        text = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
        if not text.startswith("-"):  # Kafka refuses it: it would read as an option
            return text


def check(settings: dict[str, Any]) -> str:
    """Return what the cluster is, after one request; raises `Unreachable` with what to do."""
    from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415 - loaded while the servers start
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    seen: list[KafkaError] = []
    try:
        configuration: dict[str, Any] = {**settings, "error_cb": seen.append, "log_level": 0}
        admin = AdminClient(configuration)
    except KafkaException as error:
        raise Unreachable(f"SEAWALL_KAFKA_*: {error.args[0].str()}") from None
    deadline = time.monotonic() + _CHECK_S
    while True:
        try:
            found = admin.list_topics(timeout=0.5)
        except KafkaException:
            admin.poll(0)  # serves error_cb, which knows the cause
            refused = KafkaError._AUTHENTICATION  # noqa: SLF001 - librdkafka's own errors are named so
            if any(error.code() == refused for error in seen) or time.monotonic() > deadline:
                raise Unreachable(_explain(settings, seen)) from None
        else:
            return f"{len(found.brokers)} broker{'s' if len(found.brokers) > 1 else ''}"


def _explain(settings: dict[str, Any], seen: list[Any]) -> str:
    from confluent_kafka import KafkaError  # noqa: PLC0415

    servers = settings["bootstrap.servers"]
    for error in seen:
        if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 - librdkafka's own errors are named so
            return f"SEAWALL_KAFKA_SASL_*: user, password or mechanism are wrong ({error.str()})"
        if error.code() == KafkaError._SSL:  # noqa: SLF001
            return f"SEAWALL_KAFKA_SECURITY_PROTOCOL, SEAWALL_KAFKA_SSL_CA_LOCATION: TLS fails ({error.str()})"
    cause = f" ({seen[0].str()})" if seen else ""
    return (
        f"SEAWALL_KAFKA_BOOTSTRAP_SERVERS: no Kafka answers at {servers}{cause}; start it, or correct the address "
        "or SEAWALL_KAFKA_SECURITY_PROTOCOL"
    )

"""A broker's own figures for Prometheus, by the Java agent that reads them from JMX within the broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from seawall.stack.jars import JarCache, read_lock
from seawall.stack.ports import HOST

_LOCK = Path(__file__).with_name("jmx_agent.lock")
_TOPICS = "MessagesIn|BytesIn|BytesOut|FailedProduceRequests|FailedFetchRequests"
_CONTROLLER = "ActiveControllerCount|OfflinePartitionsCount"
_CONFIGURATION = {
    "lowercaseOutputName": True,
    # few of some thousands: each one is read at every scrape
    "includeObjectNames": [
        "kafka.server:type=BrokerTopicMetrics,name=*",
        "kafka.server:type=ReplicaManager,name=*",
        "kafka.server:type=KafkaRequestHandlerPool,name=RequestHandlerAvgIdlePercent",
        "kafka.network:type=RequestMetrics,name=TotalTimeMs,request=Produce",
        "kafka.network:type=RequestMetrics,name=TotalTimeMs,request=FetchConsumer",
        "kafka.controller:type=KafkaController,name=*",
    ],
    "rules": [
        {
            "pattern": f"kafka.server<type=BrokerTopicMetrics, name=({_TOPICS})PerSec><>Count",
            "name": "kafka_broker_$1_total",
            "type": "COUNTER",
        },
        {
            "pattern": "kafka.server<type=ReplicaManager, name=(UnderReplicatedPartitions|UnderMinIsrPartitionCount"
            "|LeaderCount|PartitionCount)><>Value",
            "name": "kafka_broker_$1",
            "type": "GAUGE",
        },
        {
            "pattern": "kafka.server<type=KafkaRequestHandlerPool, name=RequestHandlerAvgIdlePercent><>OneMinuteRate",
            "name": "kafka_broker_handlers_idle",
            "type": "GAUGE",
        },
        {
            "pattern": r"kafka.network<type=RequestMetrics, name=TotalTimeMs, request=(\w+)><>(50|95|99)thPercentile",
            "name": "kafka_broker_request_ms",
            "type": "GAUGE",
            "labels": {"request": "$1", "quantile": "0.$2"},
        },
        {
            "pattern": f"kafka.controller<type=KafkaController, name=({_CONTROLLER})><>Value",
            "name": "kafka_controller_$1",
            "type": "GAUGE",
        },
    ],
}


class BrokerMetrics(NamedTuple):
    """Where one broker shows its figures, and by which jar."""

    jar: Path
    port: int

    @property
    def url(self) -> str:
        """Where they are."""
        return f"http://{HOST}:{self.port}/metrics"

    def flag(self, directory: Path) -> str:
        """Return the flag for Java; `write` has to come first."""
        return f"-javaagent:{self.jar}={HOST}:{self.port}:{directory / 'jmx.yaml'}"

    def write(self, directory: Path) -> None:
        """Write what is to be shown into the broker's *directory*; JSON is YAML."""
        (directory / "jmx.yaml").write_text(json.dumps(_CONFIGURATION, indent=1), encoding="ascii")


def agent_jars() -> JarCache:
    """Return the agent's one jar."""
    return JarCache(jars=read_lock(_LOCK))

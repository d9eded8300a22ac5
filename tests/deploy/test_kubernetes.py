"""The manifests for Kubernetes: valid, closed, in agreement with each other and with the service."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from containerfiles import read_image
from manifests import (
    ALL,
    BASE,
    KEDA,
    KUBERNETES,
    LOAD,
    LOCUST,
    SPARK,
    STRIMZI,
    Manifest,
    allowed,
    build,
    built,
    flaws,
    kustomize,
    one,
    pods,
    resources,
    selects,
)

from api.settings import Settings as ApiSettings
from contract.topics import DEAD_LETTER_TOPIC, FEED_GROUP, PREFIX, SINK_GROUP, record_topics
from seawall.stack.places import ROOT
from workers.feed.settings import Settings as FeedSettings
from workers.sink.settings import Settings as SinkSettings
from workers.spark_job.settings import Settings as SparkSettings

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
needs_kustomize = pytest.mark.skipif(not kustomize(), reason="neither kustomize nor kubectl is on the PATH")


@pytest.fixture(scope="module")
def secret() -> Manifest:
    """Return the Secret that `prepare` prints."""
    done = subprocess.run([KUBERNETES / "prepare"], capture_output=True, text=True, check=True)
    found: Manifest = yaml.safe_load(done.stdout)
    return found


def containers(directory: str) -> list[tuple[str, Manifest, Manifest]]:
    """Return each container of a directory with its pod, and the name of what makes it."""
    return [
        (f"{maker}/{container['name']}", template["spec"], container)
        for maker, template in pods(built(directory)).items()
        for container in template["spec"]["containers"]
    ]


@pytest.mark.parametrize("directory", ALL)
def test_every_manifest_is_valid(directory: str) -> None:
    """By the schemas of the oldest and the newest Kubernetes that is meant, and of the operators' resources."""
    known = [] if directory == BASE else built(BASE)
    for manifest in built(directory):
        if manifest not in known:
            assert flaws(manifest) == [], manifest["metadata"]["name"]


@pytest.mark.parametrize(
    ("directory", "kind", "name", "path", "value"),
    [
        (BASE, "Deployment", "api", "spec.template.spec.containers.0.ports.0.containerPort", "http"),
        (BASE, "Deployment", "api", "spec.template.spec.terminationGraceSeconds", 60),
        (BASE, "StatefulSet", "sink", "spec.replicas", "nine"),
        (BASE, "HorizontalPodAutoscaler", "api", "spec.metrics.0.resource.target.averageUtilisation", 70),
        (BASE, "PodDisruptionBudget", "api", "spec.maxUnavailible", 1),
        (BASE, "NetworkPolicy", "postgres", "spec.ingress.0.ports.0.prot", 5432),
        (BASE, "Deployment", "api", "apiVersion", "extensions/v1beta1"),
        (LOAD, "Job", "locust-master", "spec.backoffLimit", "never"),
        (STRIMZI, "KafkaTopic", "seawall.users", "spec.partitions", 0),
        (STRIMZI, "KafkaUser", "seawall-service", "spec.authorization.acls.0.operations.0", "Eat"),
        (STRIMZI, "Kafka", "seawall", "apiVersion", "kafka.strimzi.io/v1beta2"),
        (STRIMZI, "Kafka", "seawall", "spec.zookeeper", {}),
        (KEDA, "ScaledObject", "sink", "spec.triggers.0.metadata.lagThreshold", 5000),
        (KEDA, "ScaledObject", "sink", "spec.triggers.0.metadata.lagTreshold", "5000"),
        (KEDA, "TriggerAuthentication", "kafka", "spec.secretTargetRef.0.parameter", "user"),
        (LOCUST, "LocustTest", "seawall", "spec.workers", 0),
        (LOCUST, "LocustTest", "seawall", "spec.locustfile.configMap", {"name": "both at once"}),
        (SPARK, "SparkApplication", "review-features", "spec.executor.instances", 0),
        (SPARK, "SparkApplication", "review-features", "spec.driver.instances", 1),
        (SPARK, "SparkApplication", "review-features", "spec.deps.packages.0", "spark-sql-kafka"),
    ],
)
def test_a_broken_manifest_is_not(directory: str, kind: str, name: str, path: str, value: object) -> None:
    """One wrong field is enough, and is found."""
    manifest = yaml.safe_load(yaml.safe_dump(one(built(directory), kind, name)))
    *way, last = path.split(".")
    place: Any = manifest
    for step in way:
        place = place[int(step) if step.isdecimal() else step]
    place[int(last) if last.isdecimal() else last] = value
    assert flaws(manifest)


def test_the_spark_job_is_told_what_its_settings_know() -> None:
    """It runs the module that is there, with names that it reads, and by the policy it reaches the brokers."""
    manifests = [*built(BASE), *built(SPARK)]
    spec = one(manifests, "SparkApplication", "review-features")["spec"]
    assert (ROOT / spec["mainApplicationFile"].removeprefix("local:///app/")).exists()
    names = {each["name"] for each in spec["driver"]["env"] if each["name"].startswith("SEAWALL_SPARK_")}
    assert {name.removeprefix("SEAWALL_").lower() for name in names} <= set(SparkSettings.model_fields)
    assert spec["executor"]["env"] == spec["driver"]["env"]
    mount = spec["driver"]["volumeMounts"][0]["mountPath"]
    (checkpoint,) = [each["value"] for each in spec["driver"]["env"] if each["name"] == "SEAWALL_SPARK_CHECKPOINT"]
    assert checkpoint.startswith(f"{mount}/")
    kafka = {"app.kubernetes.io/part-of": "seawall", "app.kubernetes.io/component": "kafka"}
    assert allowed(manifests, spec["driver"]["labels"], kafka, 9092)
    assert not allowed(built(BASE), spec["driver"]["labels"], kafka, 9092)


@needs_kustomize
def test_a_kustomization_that_names_what_is_not_there_cannot_be_built(tmp_path: Path) -> None:
    """Neither a file that is missing, nor a patch of what no file holds."""
    copy = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    (copy / BASE / "sink.yaml").rename(copy / BASE / "sinks.yaml")
    with pytest.raises(subprocess.CalledProcessError):
        build(copy / BASE)
    (copy / BASE / "sinks.yaml").rename(copy / BASE / "sink.yaml")
    assert len(build(copy / STRIMZI)) == len(built(STRIMZI))
    patch = copy / STRIMZI / "connections.yaml"
    patch.write_text(patch.read_text("utf-8").replace("name: connections", "name: connection"), "utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        build(copy / STRIMZI)


def test_every_file_is_used() -> None:
    """By a kustomization, or by hand as the page says."""
    named = {file.resolve() for directory in ALL for file in resources(KUBERNETES / directory)}
    for directory in ALL:
        text = yaml.safe_load((KUBERNETES / directory / "kustomization.yaml").read_text("utf-8"))
        named |= {KUBERNETES / directory / patch["path"] for patch in text.get("patches", []) if "path" in patch}
    for file in KUBERNETES.rglob("*"):
        if file.is_file() and file.name != "kustomization.yaml" and file not in named:
            assert f"deploy/kubernetes/{file.relative_to(KUBERNETES)}" in PAGE


@needs_kustomize
@pytest.mark.parametrize("directory", [BASE, LOAD, STRIMZI, KEDA])
def test_nothing_has_more_rights_than_it_needs(directory: str) -> None:
    """No root, no capabilities, no token, a root that cannot be written to but for Kafka's, and pinned images."""
    for name, pod, container in containers(directory):
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": name != "StatefulSet/kafka/kafka",
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"]
        assert container["resources"]["limits"]["memory"]
        image = container["image"]
        assert re.search(r":\d+\.\d+(\.\d+)?", image)
        if image.startswith("seawall-"):
            assert (
                f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
                == read_image(image.removeprefix("seawall-").partition(":")[0]).user
            )
        else:
            assert "@sha256:" in image or f"`{image}`" in PAGE


def test_what_pods_take_from_elsewhere_is_there(secret: Manifest) -> None:
    """Keys of the Secret, configuration maps, claims, and addresses of servers."""
    assert flaws(secret) == []
    keys = {"seawall": secret["stringData"]}
    for directory in (BASE, LOAD, STRIMZI, KEDA):
        manifests = [*(built(BASE) if directory == LOAD else []), *built(directory)]
        keys |= {each["metadata"]["name"]: each["stringData"] for each in manifests if each["kind"] == "Secret"}
        text = yaml.safe_dump_all(built(directory))
        for match in re.finditer(r"(?:secretKeyRef:\n\s+|- )key: (\S+)\n\s+name: (\S+)\n", text):
            assert match[1] in keys[match[2]], match[0]
        for _, pod, container in containers(directory):
            for source in container.get("envFrom", []):
                reference = source["configMapRef"]
                if reference.get("optional"):  # which the page has to say how to make
                    assert f"create configmap {reference['name']} " in PAGE
                else:
                    one(manifests, "ConfigMap", reference["name"])
            for volume in pod.get("volumes", []):
                assert {item["key"] for item in volume.get("secret", {}).get("items", [])} <= keys["seawall"].keys()
                if "persistentVolumeClaim" in volume:
                    one(manifests, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
    for url in ("database-url", "cache-url"):
        host = re.search(r"@([a-z]+):(\d+)/", secret["stringData"][url])
        assert host
        assert one(built(BASE), "Service", host[1])["spec"]["ports"][0]["port"] == int(host[2])


@needs_kustomize
def test_services_and_budgets_select_pods_that_have_the_ports() -> None:
    """None of them selects nothing."""
    for directory in (BASE, LOAD):
        templates = list(pods(built(directory)).values())
        for manifest in built(directory):
            if manifest["kind"] == "Service":
                selected = [
                    pod
                    for pod in templates
                    if selects({"matchLabels": manifest["spec"]["selector"]}, pod["metadata"]["labels"])
                ]
                assert selected, manifest["metadata"]["name"]
                for port in manifest["spec"].get("ports", []):
                    ports = [each for pod in selected for each in pod["spec"]["containers"][0]["ports"]]
                    assert {port.get("targetPort", port["port"])} & {
                        value for each in ports for value in (each["name"], each["containerPort"])
                    }
            elif manifest["kind"] == "PodDisruptionBudget":
                assert any(selects(manifest["spec"]["selector"], pod["metadata"]["labels"]) for pod in templates)


SEAWALL = {"app.kubernetes.io/part-of": "seawall"}


def labelled(component: str) -> dict[str, str]:
    """Return the labels of a component's pods."""
    return {**SEAWALL, "app.kubernetes.io/component": component}


@needs_kustomize
@pytest.mark.parametrize(
    ("source", "target", "port", "may"),
    [
        ("api", "postgres", 5432, True),
        ("api", "valkey", 6379, True),
        ("api", "kafka", 9092, True),
        ("sink", "postgres", 5432, True),
        ("sink", "kafka", 9092, True),
        ("migrate", "postgres", 5432, True),
        ("topics", "kafka", 9092, True),
        ("kafka", "kafka", 9093, True),
        ("load", "api", 8000, True),
        ("load", "load", 5557, True),
        ("feed", "kafka", 9092, True),
        ("load", "feed", 8100, False),
        ("feed", "postgres", 5432, False),
        ("load", "postgres", 5432, False),
        ("load", "kafka", 9092, False),
        ("load", "api", 9100, False),
        ("sink", "valkey", 6379, False),
        ("sink", "api", 8000, False),
        ("api", "kafka", 9093, False),
        ("postgres", "api", 8000, False),
        ("topics", "postgres", 5432, False),
    ],
)
def test_policies_let_through_what_is_needed_and_nothing_else(source: str, target: str, port: int, may: bool) -> None:  # noqa: FBT001 - a row of a table
    """By the policies of both sides."""
    assert allowed(built(BASE), labelled(source), labelled(target), port) is may


@needs_kustomize
def test_policies_of_the_overlays_lead_to_their_brokers() -> None:
    """Strimzi's pods have labels of their own, and policies of their own."""
    strimzi = {"strimzi.io/cluster": "seawall"}
    for source, may in (("api", True), ("sink", True), ("feed", True), ("load", False), ("migrate", False)):
        assert allowed(built(STRIMZI), labelled(source), strimzi, 9092) is may
        assert allowed(built(STRIMZI), labelled(source), labelled("postgres"), 5432) is (source not in ("load", "feed"))


def test_a_process_that_is_told_to_go_gets_the_time_it_takes() -> None:
    """Drain delay, requests in flight, the producer's last records; a statement, the last commit, leaving the group."""
    api = one(built(BASE), "Deployment", "api")["spec"]["template"]["spec"]
    variables = {each["name"]: each.get("value") for each in api["containers"][0]["env"]}
    delay_s = float(variables["SEAWALL_API_DRAIN_DELAY_S"])
    fields = ApiSettings.model_fields
    longest_s = delay_s + fields["api_graceful_s"].default + fields["kafka_message_timeout_ms"].default / 1000
    assert api["terminationGracePeriodSeconds"] > longest_s
    probe = api["containers"][0]["readinessProbe"]
    assert delay_s > probe["periodSeconds"] * probe["failureThreshold"]
    sink = one(built(BASE), "StatefulSet", "sink")["spec"]["template"]["spec"]
    assert sink["terminationGracePeriodSeconds"] > SinkSettings.model_fields["sink_database_timeout_s"].default + 3 + 5
    feed = one(built(BASE), "Deployment", "feed")["spec"]["template"]["spec"]
    assert feed["terminationGracePeriodSeconds"] > 2 * FeedSettings.model_fields["feed_farewell_s"].default + 1


def test_probes_and_ports_are_those_of_the_images() -> None:
    """And a sink's is the very health check of its image."""
    api = one(built(BASE), "Deployment", "api")["spec"]["template"]["spec"]["containers"][0]
    assert {port["containerPort"] for port in api["ports"]} == read_image("api").ports
    assert api["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert api["readinessProbe"]["httpGet"]["path"] == "/readyz"
    sink = one(built(BASE), "StatefulSet", "sink")["spec"]["template"]["spec"]["containers"][0]
    assert sink["livenessProbe"]["exec"]["command"] == read_image("sink").health
    assert {port["containerPort"] for port in sink["ports"]} == read_image("sink").ports
    feed = one(built(BASE), "Deployment", "feed")["spec"]["template"]["spec"]["containers"][0]
    assert {port["containerPort"] for port in feed["ports"]} == {8100, 9100}
    assert feed["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert feed["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_there_are_no_more_sinks_than_partitions() -> None:
    """In the base, by the job's word; with Strimzi, by its topics; with KEDA, at most."""
    command = one(built(BASE), "Job", "topics")["spec"]["template"]["spec"]["containers"][0]["command"]
    partitions = int(command[command.index("--partitions") + 1])
    assert one(built(BASE), "StatefulSet", "sink")["spec"]["replicas"] == partitions
    scaled = one(built(KEDA), "ScaledObject", "sink")["spec"]
    assert scaled["maxReplicaCount"] == partitions
    assert scaled["triggers"][0]["metadata"]["consumerGroup"] == SINK_GROUP
    topics = {each["metadata"]["name"]: each["spec"] for each in built(STRIMZI) if each["kind"] == "KafkaTopic"}
    assert topics.keys() == {*record_topics(), DEAD_LETTER_TOPIC}
    assert {topics[name]["partitions"] for name in record_topics()} == {partitions}


@needs_kustomize
def test_overlays_leave_to_operators_what_is_theirs() -> None:
    """No broker of ours beside Strimzi's, no count of sinks beside KEDA's, and addresses that are the operator's."""
    names = {(each["kind"], each["metadata"]["name"]) for each in built(STRIMZI)}
    assert not names & {("StatefulSet", "kafka"), ("Service", "kafka"), ("Job", "topics")}
    data = one(built(STRIMZI), "ConfigMap", "connections")["data"]
    cluster = one(built(STRIMZI), "Kafka", "seawall")["spec"]["kafka"]
    assert data["SEAWALL_KAFKA_BOOTSTRAP_SERVERS"] == f"seawall-kafka-bootstrap:{cluster['listeners'][0]['port']}"
    user = one(built(STRIMZI), "KafkaUser", data["SEAWALL_KAFKA_SASL_USERNAME"])["spec"]
    assert cluster["listeners"][0]["authentication"]["type"] == user["authentication"]["type"] == "scram-sha-512"
    rules = {(rule["resource"]["type"], rule["resource"].get("name")) for rule in user["authorization"]["acls"]}
    assert rules == {("topic", PREFIX), ("group", SINK_GROUP), ("group", FEED_GROUP), ("cluster", None)}
    assert "replicas" not in one(built(KEDA), "StatefulSet", "sink")["spec"]


def test_the_master_is_tried_once_and_expects_the_workers_that_there_are() -> None:
    """A second try would be another run; the Job's end is the verdict."""
    master = one(built(LOAD), "Job", "locust-master")["spec"]
    worker = one(built(LOAD), "Job", "locust-worker")["spec"]
    assert (master["backoffLimit"], master["template"]["spec"]["restartPolicy"]) == (0, "Never")
    arguments = master["template"]["spec"]["containers"][0]["args"]
    assert f"--expect-workers={worker['parallelism']}" in arguments
    assert worker["completions"] == worker["parallelism"]
    assert "--no-verdict" not in arguments

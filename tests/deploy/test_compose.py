"""The compose file: valid by the specification's own schema, pinned, closed, and true to the service."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import check_jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml
from compose import COMPOSE, FILE, OURS, document, filled_in, needed_variables, seconds, service
from containerfiles import read_image
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from api.settings import Settings as ApiSettings
from contract.api_keys import Scope, digest_of, parse_keys
from contract.connections import Connections
from seawall.stack.places import ROOT
from workers.feed.settings import Settings as FeedSettings
from workers.sink.settings import Settings as SinkSettings

SERVICES = sorted(filled_in()["services"])
JOBS = {"migrate", "topics"}
MUTE = JOBS | {"locust-worker"}
"""They listen nowhere and write nothing that a health check could look at."""
WRITES_BY_ITSELF = {"kafka-1", "kafka-2", "kafka-3", "mariadb", "registry"}
"""Images of others whose start scripts write outside of volumes."""
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def specification() -> Validator:
    """Return a validator by the schema of the compose specification, as `check-jsonschema` ships it."""
    file = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    return validator_for(schema)(schema)


def test_the_file_is_valid(specification: Validator) -> None:
    """By the schema of the compose specification, with variables and without."""
    assert [error.message for error in specification.iter_errors(filled_in())] == []
    assert [error.message for error in specification.iter_errors(yaml.safe_load(FILE.read_text("utf-8")))] == []


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("cap_drop: [ALL]", "cap_drop: ALL", "'ALL' is not of type 'array'"),
        ("condition: service_healthy", "condition: service_happy", "'service_happy'"),
        ("networks: [front, back]", "networks: 7", "7 is not valid under any"),
        ("  haproxy:\n", "  haproxy:\n    imagge: haproxy\n", "'imagge' was unexpected"),
        ("back: {internal: true}", "back: {internal: [1]}", "is not of type"),
        ("    interval: 5s", "    interwal: 5s", "'interwal' does not match"),
    ],
)
def test_a_broken_file_is_not(specification: Validator, right: str, wrong: str, says: str) -> None:
    """Each of these mistakes is found, and named."""
    text = FILE.read_text(encoding="utf-8")
    assert right in text
    found = [error.message for error in specification.iter_errors(yaml.safe_load(text.replace(right, wrong)))]
    assert any(says in message for message in found), found


def test_what_is_not_given_is_asked_for() -> None:
    """Without passwords nothing starts, and `prepare` writes exactly those."""
    with pytest.raises(KeyError):
        document()
    script = (COMPOSE / "prepare").read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Z_]+)=", script, re.MULTILINE)) == needed_variables()


def test_prepare_writes_what_is_asked_for_once(tmp_path: Path) -> None:
    """Passwords that only their owner can read, keys that the API takes, and nothing that was there before."""
    (tmp_path / "bin").symlink_to(ROOT / "bin")
    place = tmp_path / "deploy" / "compose"
    shutil.copytree(COMPOSE, place, ignore=shutil.ignore_patterns(".env", "api-keys", "prometheus-key"))
    subprocess.run([place / "prepare"], check=True, capture_output=True)
    written = dict(line.split("=", 1) for line in (place / ".env").read_text("utf-8").splitlines())
    assert written.keys() == needed_variables()
    assert len(set(written.values())) == len(written)
    assert len(base64.urlsafe_b64decode(written["KAFKA_CLUSTER_ID"] + "==")) == 16
    assert (place / ".env").stat().st_mode & 0o077 == 0
    keys = {key.name: key for key in parse_keys((place / "api-keys").read_text("utf-8"))}
    given = {"load": written["API_KEY"], "prometheus": (place / "prometheus-key").read_text("utf-8")}
    assert {name: digest_of(key.encode()) for name, key in given.items()} == {
        name: key.digest for name, key in keys.items()
    }
    assert keys["load"].scopes == {Scope.READ, Scope.WRITE}
    assert keys["prometheus"].scopes == {Scope.ADMIN}
    assert document(written)["services"]["api-1"]["image"]
    before = (place / ".env").read_text("utf-8")
    subprocess.run([place / "prepare"], check=True, capture_output=True)
    assert (place / ".env").read_text("utf-8") == before


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    """By its whole version at least, and by digest unless the page says which are still to be added."""
    image = service(name)["image"]
    assert re.search(r":v?\d+\.\d+\.\d+|:\d+\.\d+-", image), image
    if "build" in service(name):
        image = read_image(next(role for role, built in OURS.items() if image.startswith(built))).base
    assert DIGEST.search(image) or f"`{image}`" in PAGE


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_has_more_rights_than_it_needs(name: str) -> None:
    """No capabilities, no way to new ones, a root that cannot be written to, a user that is not root."""
    found = service(name)
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found.get("read_only", False) is not (name in WRITES_BY_ITSELF)
    if "build" in found:
        role = found["build"]["dockerfile"].rpartition(".")[2]
        assert read_image(role).user == "10001:10001"
        assert found["image"].startswith(OURS[role])
    assert "privileged" not in found
    assert all(port.startswith("127.0.0.1:") for port in found.get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_who_is_waited_for_says_when_it_is_there(name: str) -> None:
    """Every service can be asked for its health, but for those that listen nowhere; dependencies are met, and exist."""
    found = service(name)
    checked = "healthcheck" in found or (
        "build" in found and read_image(found["build"]["dockerfile"].rpartition(".")[2]).health
    )
    assert checked
    assert (found.get("healthcheck") == {"disable": True}) is (name in MUTE)
    for other, how in found.get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in JOBS else "service_healthy"
        assert other in SERVICES
        assert how == {"condition": expected}


def test_files_that_are_mounted_are_there() -> None:
    """Where they are not written by `prepare`."""
    whole = filled_in()
    for name in SERVICES:
        for volume in whole["services"][name].get("volumes", []):
            if isinstance(volume, str):
                assert volume.partition(":")[0] in whole["volumes"]
                continue
            assert (COMPOSE / volume["source"]).exists(), volume
            assert volume["read_only"]
            assert not volume["bind"]["create_host_path"]


def test_every_variable_is_one_that_the_service_reads() -> None:
    """A misspelt one would be ignored."""
    fields = {
        f"SEAWALL_{field.upper()}"
        for settings in (Connections, ApiSettings, SinkSettings, FeedSettings)
        for field in settings.model_fields
    } | {"SEAWALL_HOME", "SEAWALL_LOAD_METRICS_HOST", "SEAWALL_LOAD_METRICS_PORT"}
    given = {name for one in SERVICES for name in service(one).get("environment", {}) if name.startswith("SEAWALL_")}
    given |= {name for role in OURS for name in read_image(role).environment if name.startswith("SEAWALL_")}
    assert given <= fields
    assert {"SEAWALL_DATABASE_URL", "SEAWALL_CACHE_URL", "SEAWALL_KAFKA_BOOTSTRAP_SERVERS"} <= given


def test_addresses_lead_to_services() -> None:
    """Hosts that are named are services on a network that both are on."""
    whole = filled_in()["services"]
    for name in SERVICES:
        text = yaml.safe_dump([whole[name].get("environment", {}), whole[name].get("command", "")])
        for host in re.findall(r"(?:@|//|[=,:])([a-z][a-z0-9-]*):\d{4}", text):
            assert host in whole, (name, host)
            assert set(whole[name]["networks"]) & set(whole[host]["networks"]), (name, host)


def test_there_is_a_sink_for_each_partition_and_each_has_a_name() -> None:
    """Two of one name would throw each other out of the group; one more would have nothing to do."""
    names = [service(name)["environment"]["SEAWALL_SINK_NAME"] for name in SERVICES if name.startswith("sink-")]
    topics = service("topics")["command"]
    assert len(set(names)) == len(names) == int(topics[topics.index("--partitions") + 1])


def test_a_process_that_is_told_to_go_gets_the_time_it_takes() -> None:
    """Drain delay, requests in flight, the producer's last records; and HAProxy sees in time that it goes."""
    api, sink = service("api-1"), service("sink-1")
    delay_s = float(api["environment"]["SEAWALL_API_DRAIN_DELAY_S"])
    defaults = ApiSettings.model_fields
    longest_s = delay_s + defaults["api_graceful_s"].default + defaults["kafka_message_timeout_ms"].default / 1000
    assert seconds(api["stop_grace_period"]) > longest_s
    assert seconds(sink["stop_grace_period"]) > SinkSettings.model_fields["sink_database_timeout_s"].default + 3 + 5
    assert seconds(service("feed")["stop_grace_period"]) > 2 * FeedSettings.model_fields["feed_farewell_s"].default + 1
    checks = re.search(r"inter (\d+)s fall (\d+)", (COMPOSE / "haproxy.cfg").read_text(encoding="utf-8"))
    assert checks
    assert delay_s > (int(checks[1]) + 1) * int(checks[2])


def test_prometheus_asks_who_is_there_by_the_names_that_the_rules_know() -> None:
    """Each target is a service with that port, and each job of a rule is one of these."""
    jobs = yaml.safe_load((COMPOSE / "prometheus.yaml").read_text("utf-8"))["scrape_configs"]
    for job in jobs:
        for target in job["static_configs"]:
            host, _, port = target["targets"][0].partition(":")
            assert target["labels"] == {"service": host}
            found = service(host)
            if "build" in found:
                role = found["build"]["dockerfile"].rpartition(".")[2]
                assert int(port) in read_image(role).ports
                assert job["authorization"]["credentials_file"] == "/run/secrets/prometheus-key"
                assert "SEAWALL_API_KEYS_FILE" in found["environment"]
    asked = {name for name in SERVICES if name.startswith(("api-", "sink-", "feed"))}
    assert asked <= {target["labels"]["service"] for job in jobs for target in job["static_configs"]}
    rules = (ROOT / "deploy" / "prometheus" / "rules.yaml").read_text("utf-8")
    assert set(re.findall(r'job="([\w-]+)"', rules)) <= {job["job_name"] for job in jobs}

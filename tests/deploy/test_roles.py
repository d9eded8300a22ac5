"""Each role, started by its image's command in its image's tree, as the image's user: it serves, and says how it is."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from compose import service
from containerfiles import read_image
from containers import Images, made_in
from manifests import BASE, built, one
from new_records import new_record
from service_processes import eventually, free_port

from contract.api_keys import Scope, line_of, new_key
from contract.entities import ENTITIES
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Return the images."""
    return made_in(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


def environment_of(name: str, stack: Stack, **changes: str) -> dict[str, str]:
    """Return a compose service's environment, its servers replaced by those of *stack*."""
    wanted: dict[str, str] = service(name)["environment"]
    given = {key: value for key, value in stack.connections.environment().items() if key in wanted}
    return {**wanted, **given, **changes}


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, str, str]:
    """Return a file of keys, and two of them: a client's and Prometheus'."""
    client, prometheus = new_key(), new_key()
    file = tmp_path / "api-keys"
    lines = [line_of("load", [Scope.WRITE, Scope.READ], client), line_of("prometheus", [Scope.ADMIN], prometheus)]
    file.write_text("\n".join(lines), encoding="utf-8")
    file.chmod(0o644)
    return file, client, prometheus


@pytest.mark.long
def test_the_api_serves_as_a_stranger_in_a_tree_that_cannot_be_written(
    stack: Stack, images: Images, keys: tuple[Path, str, str]
) -> None:
    """It is healthy once its servers answer, takes a record, shows its metrics to Prometheus alone, and drains."""
    file, client, prometheus = keys
    port, metrics_port = free_port(), free_port()
    image = read_image("api")
    assert image.ports == {8000, 9100}
    assert " 8000," in image.health[-1]
    image = dataclasses.replace(image, health=[word.replace(" 8000,", f" {port},") for word in image.health])
    environment = environment_of(
        "api-1",
        stack,
        SEAWALL_API_PORT=str(port),
        SEAWALL_METRICS_PORT=str(metrics_port),
        SEAWALL_API_DRAIN_DELAY_S="1",
    )
    del environment["SEAWALL_DATABASE_REPLICA_URL"]  # this stack has none
    with images.running("api", environment, image=image, mounts={environment["SEAWALL_API_KEYS_FILE"]: file}) as api:
        eventually(lambda: api.process.poll() is not None or api.healthy(), within_s=150)
        assert api.process.poll() is None, api.log.read_text()
        assert api.own.uids().effective == api.own.gids().effective == 10001
        assert api.run(["touch", "/app/api/new.py"]).returncode == 1
        assert api.run(["touch", "/new"]).returncode == 1
        assert api.run(["touch", "/tmp/new"]).returncode == 0  # noqa: S108 - inside the image
        base = f"http://127.0.0.1:{port}"
        written = httpx.post(
            f"{base}/v1/kafka/users",
            content=msgspec.json.encode(new_record(USERS)),
            headers={**JSON, "authorization": f"Bearer {client}"},
        )
        assert written.status_code == 202
        metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        assert httpx.get(metrics).status_code == 401
        shown = httpx.get(metrics, headers={"authorization": f"Bearer {prometheus}"})
        assert shown.status_code == 200
        scaled_by = one(built(BASE), "HorizontalPodAutoscaler", "api")["spec"]["metrics"][1]["pods"]["metric"]["name"]
        assert f"\n{scaled_by}{{" in shown.text
        api.process.terminate()
        eventually(lambda: not api.healthy())
        assert api.process.poll() is None, "it says that it goes before it does"
        assert api.process.wait(20) == 0


def test_a_sink_shows_a_pulse_for_as_long_as_its_loop_goes_round(
    stack: Stack, images: Images, keys: tuple[Path, str, str]
) -> None:
    """One that stands still is unhealthy half a minute later; none keeps a journal; and it ends when it is told to."""
    file, _, prometheus = keys
    port = free_port()
    own = {"SEAWALL_SINK_NAME": "contained", "SEAWALL_SINK_GROUP": "contained", "SEAWALL_SINK_METRICS_PORT": str(port)}
    environment = environment_of("sink-1", stack, **own)
    with images.running("sink", environment, mounts={environment["SEAWALL_API_KEYS_FILE"]: file}) as sink:
        eventually(lambda: sink.process.poll() is not None or sink.healthy(), within_s=150)
        assert sink.process.poll() is None, sink.log.read_text()
        eventually(lambda: "assigned" in sink.log.read_text(), within_s=150)
        assert sink.own.uids().effective == 10001
        metrics = f"http://127.0.0.1:{port}/metrics"
        assert httpx.get(metrics).status_code == 401
        shown = httpx.get(metrics, headers={"authorization": f"Bearer {prometheus}"})
        assert "seawall_sink_records_total" in shown.text
        sink.own.suspend()
        pulse = Path(f"/proc/{sink.process.pid}/root/tmp/pulse")
        long_ago_s = time.time() - 31
        os.utime(pulse, (long_ago_s, long_ago_s))
        assert not sink.healthy()
        sink.own.resume()
        eventually(sink.healthy)
        assert [path.name for path in pulse.parent.iterdir()] == ["pulse"]
        assert sink.stop() == 0


@pytest.mark.parametrize("job", ["migrate", "topics"])
def test_jobs_before_the_start_may_be_run_again(stack: Stack, images: Images, job: str) -> None:
    """Where tables and topics are there already they change nothing, and say so by their exit code."""
    with images.running("api", environment_of(job, stack), service(job)["command"]) as ran:
        assert ran.process.wait(60) == 0, ran.log.read_text()


@pytest.mark.parametrize(("job", "says"), [("migrate", ""), ("topics", "no Kafka answers")])
@pytest.mark.long
def test_jobs_fail_where_their_server_is_gone(stack: Stack, images: Images, job: str, says: str) -> None:
    """So nothing that needs them starts."""
    nowhere = f"127.0.0.1:{free_port()}"
    gone = {
        "SEAWALL_DATABASE_URL": f"postgresql://seawall:x@{nowhere}/seawall",
        "SEAWALL_KAFKA_BOOTSTRAP_SERVERS": nowhere,
    }
    with images.running("api", {**environment_of(job, stack), **gone}, service(job)["command"]) as ran:
        assert ran.process.wait(60) != 0
        assert says in ran.log.read_text()

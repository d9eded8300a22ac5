"""HAProxy in front of the API's processes, which it asks whether they are ready."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from new_records import new_record
from service_processes import eventually

from contract.entities import ENTITIES
from seawall.stack import balancer
from seawall.stack.balancer import Control
from seawall.stack.errors import BadOptions, ServerFailed, Unreachable
from seawall.stack.fleet import Fleet
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a stack of two API processes behind a balancer."""
    try:
        balancer.program()
    except ServerFailed as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(tmp_path_factory.mktemp("balanced")))
        options = StackOptions(
            kafka=False, api_processes=2, balancer=True, environment={"SEAWALL_API_DRAIN_DELAY_S": "2"}
        )
        running = Stack.up(options, owner="tests")
        yield running
        running.down()


def write(stack: Stack, count: int) -> list[int]:
    """Write records one after the other, each on a connection of its own, and return the statuses."""
    headers = {"content-type": "application/json", **stack.api_headers}
    return [
        httpx.post(
            f"{stack.state.api_url}/v1/sync/users", content=msgspec.json.encode(new_record(USERS)), headers=headers
        ).status_code
        for _ in range(count)
    ]


def answered(stack: Stack) -> dict[str, int]:
    """Return how many good answers each process gave."""
    servers = Control(Path(stack.state.data_dir)).servers()
    return {name: int(servers[name]["hrsp_2xx"]) for name in ("api-1", "api-2")}


@pytest.mark.long
def test_requests_are_shared_out_as_it_is_told(balanced: Stack) -> None:
    """In turns at first, then by weights, then not at all to one that is drained."""
    control = Control(Path(balanced.state.data_dir))
    assert control.up() == {"api-1", "api-2"}

    def shares(count: int) -> list[int]:
        before = answered(balanced)
        assert set(write(balanced, count)) == {201}
        return [one - other for one, other in zip(answered(balanced).values(), before.values(), strict=True)]

    assert shares(20) == [10, 10]
    control.set_weight("api-2", 25)
    assert shares(20) == [16, 4]
    control.set_weight("api-2", 100)
    control.set_state("api-1", "drain")
    assert shares(6) == [0, 6]
    assert control.up() == {"api-1", "api-2"}
    control.set_state("api-1", "ready")
    with pytest.raises(Unreachable, match="does not take"):
        control.set_weight("api-9", 1)


@pytest.mark.long
def test_one_that_goes_gets_no_more_requests_and_none_fails(balanced: Stack) -> None:
    """The balancer sees on `/readyz` that it goes, and finds it again when it is back."""
    with Fleet(balanced, "api") as fleet:
        fleet.stop("api-1")
        statuses: list[int] = []

        def settled_meanwhile() -> bool:
            statuses.extend(write(balanced, 5))
            return fleet.is_settled()

        eventually(settled_meanwhile, 60)
        before = answered(balanced)["api-1"]
        assert set(write(balanced, 10) + statuses) == {201}
        assert answered(balanced)["api-1"] == before
        fleet.start("api-1")
        fleet.await_settled(60)
    write(balanced, 4)
    assert answered(balanced)["api-1"] > before


def test_without_haproxy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In one line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(balancer, "_SYSTEM_PROGRAMS", ())
    with pytest.raises(ServerFailed, match=r"^this needs HAProxy .* not installed \(apt-get install haproxy\)$"):
        balancer.program()


def test_an_old_haproxy_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its version, and the least that will do."""
    old = tmp_path / "haproxy"
    old.write_text("#!/bin/sh\necho 'HA-Proxy version 1.8.1 2017/12/03'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ServerFailed, match=re.escape("HAProxy 2.4 or later, and not HAProxy 1.8.1")):
        balancer.program()


def test_it_stands_in_place_of_an_http_cache() -> None:
    """Not before it, and without TLS."""
    with pytest.raises(BadOptions, match="choose one"):
        StackOptions(balancer=True, http_cache=True).checked()

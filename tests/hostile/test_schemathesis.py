"""The whole OpenAPI, in all phases of Schemathesis: with a key, without one, and with one that is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from service_processes import eventually, running_api

from contract.api_keys import Scope, line_of, new_key
from seawall.stack.stack import Stack

PROGRAM = Path(sys.executable).with_name("schemathesis")
NOT_ASKED = (
    # an order that names nobody is valid by its schema and refused all the same: 422
    "positive_data_acceptance"
)


class Api(NamedTuple):
    """An API with its documentation."""

    url: str
    key: str
    stack: Stack


@pytest.fixture(scope="module")
def service(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Run an API of our own."""
    directory, key = tmp_path_factory.mktemp("schemathesis"), new_key()
    (directory / "keys").write_text(line_of("tests", [Scope.WRITE, Scope.READ], key))
    settings = {
        "SEAWALL_API_WITHOUT_KEYS": None,
        "SEAWALL_API_KEYS_FILE": str(directory / "keys"),
        "SEAWALL_API_DOCS": "true",
    }
    with running_api(stack.connections, directory, **settings) as (client, _):
        eventually(lambda: client.get("/readyz").is_success)
        yield Api(str(client.base_url), key, stack)
    stack.fresh()


def run(directory: Path, url: str, *words: str, examples: int) -> str:
    """Run Schemathesis over all phases and return what it said; fails where it found something."""
    done = subprocess.run(
        [
            *(PROGRAM, "run", f"{url}/openapi.json", "--phases", "examples,coverage,fuzzing,stateful"),
            *("--checks", "all", "--exclude-checks", NOT_ASKED, "--max-examples", str(examples), "--seed", "1"),
            *("--continue-on-failure", "--request-timeout", "10", "--warnings", "off", *words),
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=1_500,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    return done.stdout


@pytest.mark.parametrize(
    "examples",
    [pytest.param(5, id="short"), pytest.param(300, id="long", marks=[pytest.mark.long, pytest.mark.timeout(1_600)])],
)
def test_every_answer_to_a_known_client_is_as_documented(service: Api, tmp_path: Path, examples: int) -> None:
    """Statuses, headers, bodies, methods, and what is no record is refused."""
    run(tmp_path, service.url, "--header", f"Authorization: Bearer {service.key}", examples=examples)
    assert httpx.get(f"{service.url}/readyz").is_success


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="no key"),
        pytest.param(("--header", "Authorization: Bearer guessed"), id="a wrong one", marks=pytest.mark.long),
    ],
)
@pytest.mark.long
def test_strangers_are_refused_and_leave_nothing(service: Api, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Whatever they send, the answers are those that are documented for them."""
    service.stack.fresh()
    run(tmp_path, service.url, *words, examples=5)
    assert sum(service.stack.row_counts().values()) == 0
    assert service.stack.lag() == 0

"""What the tests of all rooms share: one running stack."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.connections import Connections
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

_OURS = {f"{prefix}{name.upper()}" for name in Connections.model_fields for prefix in ("SEAWALL_", "")}


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep state, data and logs of the tests away from those of a user, and the user's servers out of the tests."""
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(place))
        for name in (*_OURS, "SEAWALL_API_URL"):
            patch.delenv(name, raising=False)
        yield place


@pytest.fixture(scope="session")
def stack(home: Path) -> Iterator[Stack]:
    """Run one stack with Kafka, an API and a sink for all tests; what a test writes, it should not leave."""
    assert os.environ["SEAWALL_HOME"] == str(home)
    running = Stack.up(StackOptions(), owner="tests")
    yield running
    running.down()

"""What the tests of all rooms share: one running stack, and k6."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import SUITE, running_mariadb
from hypothesis import settings
from pydantic import SecretStr

from contract.connections import POSTGRESQL, Connections
from contract.engine import engine_of
from contract.migrate import upgrade
from seawall.stack.errors import ServerFailed
from seawall.stack.k6_binary import K6Program, built_path, find_k6, is_being_built
from seawall.stack.mariadb import program
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

pytest_plugins = ["beside"]
# Tests share two cores with servers: an example may take its time.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
_OURS = {f"{prefix}{name.upper()}" for name in Connections.model_fields for prefix in ("SEAWALL_", "")}
_WITH_K6 = Path(__file__).parent / "k6"
_WITH_SPARK = Path(__file__).parent / "experiments" / "test_stream_spark.py"
_BUILT_WITHIN_S = 60.0
_SERVERS_START_WITHIN_S = 400


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the tests with k6 and with Spark behind all others: `.ci/run` has both made ready meanwhile.

    The test that starts servers for all others has the time for it: where that failed, all would.
    """
    items.sort(key=lambda item: item.path.is_relative_to(_WITH_K6) or item.path == _WITH_SPARK)
    for servers in ("stack", "mariadb_url"):
        for item in items:
            if servers in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.timeout(_SERVERS_START_WITHIN_S), append=False)
                break


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep state, data and logs of the tests away from those of a user, and the user's servers out of the tests."""
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(place))
        for name in (*_OURS, "SEAWALL_API_URL", *(name for name in os.environ if name.startswith("OTEL_"))):
            patch.delenv(name, raising=False)
        yield place


@pytest.fixture(scope="session")
def stack(home: Path) -> Iterator[Stack]:
    """Run one stack with Kafka, an API and a sink for all tests; what a test writes, it should not leave."""
    assert os.environ["SEAWALL_HOME"] == str(home)
    running = Stack.up(StackOptions(), owner="tests")
    yield running
    running.down()


@pytest.fixture(scope="session")
def mariadb_url(home: Path) -> Iterator[str]:
    """Run one MariaDB for all tests, with our tables in it; they are left out where none is installed."""
    try:
        program()
    except ServerFailed as error:
        pytest.skip(str(error))
    with running_mariadb() as url_of:
        url = url_of("")
        engine = engine_of(Connections(database_url=SecretStr(url)))
        upgrade(engine)
        engine.dispose()
        yield url


@pytest.fixture(scope="module", params=SUITE)
def servers(request: pytest.FixtureRequest, stack: Stack) -> Connections:
    """Return connections to the stack's servers, with each database of the contract suite in turn."""
    if request.param == POSTGRESQL:
        return stack.connections
    url = request.getfixturevalue("mariadb_url")
    return stack.connections.model_copy(update={"database_url": SecretStr(url)})


@pytest.fixture(scope="session")
def k6() -> K6Program:
    """Return k6; where some process builds it just now, wait for that, and where none does, leave the test out."""
    deadline_s = time.monotonic() + _BUILT_WITHIN_S
    while find_k6() is None and is_being_built():
        if time.monotonic() > deadline_s:
            pytest.skip("k6 is still being built")
        time.sleep(0.5)
    found = find_k6()
    if found is None:
        pytest.skip(f"no k6 on the PATH, nor at {built_path()}: `bin/seawall k6 --build` makes it where Go is")
    return found

"""How many users a machine lets connect."""

from __future__ import annotations

import resource

import pytest

from seawall.stack.limits import Limits

_PORTS = (32_768, 60_999)


@pytest.mark.parametrize(
    ("files", "ports", "users", "said"),
    [
        pytest.param(1_048_576, _PORTS, 10_000, [], id="a usual machine connects ten thousand"),
        pytest.param(None, None, 10_000_000, [], id="no limits, nothing in the way"),
        pytest.param(10_500, _PORTS, 10_000, [], id="just enough files"),
        pytest.param(10_499, _PORTS, 10_000, ["ulimit -n 10500"], id="one file too few"),
        pytest.param(4_096, None, 10_000, ["at most 3,596 users"], id="the message says how many there may be"),
        pytest.param(100, None, 1, ["at most 0 users"], id="fewer files than the programs need"),
        pytest.param(None, _PORTS, 27_232, [], id="just enough ports"),
        pytest.param(None, _PORTS, 27_233, ["at most 27,232 users"], id="one port too few"),
        pytest.param(1_024, (60_000, 60_100), 5_000, ["1,024", "60000 to 60100"], id="both are named"),
    ],
)
def test_what_is_in_the_way(files: int | None, ports: tuple[int, int] | None, users: int, said: list[str]) -> None:
    """A line for each limit that is too low, with what to do; none where everybody can be connected."""
    obstacles = Limits(files, ports).obstacles(users)
    assert len(obstacles) == len(said)
    assert all(words in obstacle for words, obstacle in zip(said, obstacles, strict=True))


def test_the_limits_are_those_of_this_process() -> None:
    """The hard limit of open files counts, not the soft one, and the ports are the kernel's."""
    found = Limits.read()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert found.files == (None if hard == resource.RLIM_INFINITY else hard)
    assert found.ports is not None
    assert 0 < found.ports[0] < found.ports[1] <= 65_535

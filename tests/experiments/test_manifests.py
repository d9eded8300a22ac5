"""The autoscalers' numbers in `deploy/kubernetes`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.experiments.errors import BadManifest
from seawall.experiments.manifests import DIRECTORY, api_scaling, sink_scaling


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a directory with copies that a test may break."""
    return Path(shutil.copytree(DIRECTORY, tmp_path / "kubernetes"))


def changed(file: Path, old: str, new: str) -> None:
    """Change a file that holds *old*."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_numbers_are_those_of_the_files(copy: Path) -> None:
    """Another number in a manifest is another number here."""
    assert (sink_scaling().behaviour.most, sink_scaling().lag_each) == (9, 5_000)
    found = api_scaling()
    assert (found.behaviour.least, found.cores_each, found.utilization, found.under_way_each) == (2, 0.5, 0.7, 64)
    changed(copy / "overlays" / "keda" / "sinks.yaml", '"5000"', '"700"')
    assert sink_scaling(copy).lag_each == 700
    changed(copy / "base" / "api.yaml", "cpu: 500m", "cpu: 2")
    assert api_scaling(copy).cores_each == 2


@pytest.mark.parametrize(
    ("name", "old", "new", "read"),
    [
        ("overlays/keda/sinks.yaml", "lagThreshold", "lagTreshold", sink_scaling),
        ("overlays/keda/sinks.yaml", "kind: ScaledObject", "kind: Scaled", sink_scaling),
        ("overlays/keda/sinks.yaml", "maxReplicaCount: 9", "maxReplicaCount: [", sink_scaling),
        ("base/api.yaml", "averageUtilization: 70", "averageUtilization: much", api_scaling),
        ("base/api.yaml", "requests: {cpu: 500m, memory: 256Mi}", "requests: {memory: 256Mi}", api_scaling),
    ],
)
def test_a_broken_manifest_is_told_in_words(
    copy: Path, name: str, old: str, new: str, read: Callable[[Path], object]
) -> None:
    """With the file's name and what to do."""
    changed(copy / name, old, new)
    with pytest.raises(BadManifest, match=f"{name} does not say how its service is scaled.*correct it"):
        read(copy)


def test_a_manifest_that_is_gone_is_told_in_words(tmp_path: Path) -> None:
    """With what was to be found in it."""
    with pytest.raises(BadManifest, match="cannot be read"):
        sink_scaling(tmp_path)

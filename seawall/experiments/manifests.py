"""The autoscalers' numbers, as `deploy/kubernetes` gives them to a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from seawall.experiments.autoscale import Behaviour, threshold_of
from seawall.experiments.errors import BadManifest
from seawall.stack.places import ROOT

DIRECTORY = ROOT / "deploy" / "kubernetes"
_API, _SINKS = Path("base") / "api.yaml", Path("overlays") / "keda" / "sinks.yaml"
_THOUSANDTHS = "m"


@dataclass(frozen=True)
class SinkScaling:
    """KEDA's ScaledObject of the sinks."""

    behaviour: Behaviour
    lag_each: float
    """Records behind that each sink may have."""


@dataclass(frozen=True)
class ApiScaling:
    """The HorizontalPodAutoscaler of the API."""

    behaviour: Behaviour
    cores_each: float
    """What each process asks for."""
    utilization: float
    """The share of that which each shall use."""
    under_way_each: float
    """Requests without an answer that each may have."""


def sink_scaling(directory: Path = DIRECTORY) -> SinkScaling:
    """Return the numbers of KEDA's overlay; raises `BadManifest`."""
    with _readable(directory / _SINKS):
        manifest = _the_one(directory / _SINKS, "ScaledObject")
        return SinkScaling(Behaviour.of_scaled_object(manifest), float(threshold_of(manifest)))


def api_scaling(directory: Path = DIRECTORY) -> ApiScaling:
    """Return the numbers of the base; raises `BadManifest`."""
    with _readable(directory / _API):
        manifest = _the_one(directory / _API, "HorizontalPodAutoscaler")
        metrics = {metric["type"]: metric for metric in manifest["spec"]["metrics"]}
        (container,) = _the_one(directory / _API, "Deployment")["spec"]["template"]["spec"]["containers"]
        return ApiScaling(
            Behaviour.of_autoscaler(manifest),
            _quantity(container["resources"]["requests"]["cpu"]),
            metrics["Resource"]["resource"]["target"]["averageUtilization"] / 100,
            _quantity(metrics["Pods"]["pods"]["target"]["averageValue"]),
        )


def _the_one(file: Path, kind: str) -> dict[str, Any]:
    (found,) = [each for each in yaml.safe_load_all(file.read_text("utf-8")) if each and each["kind"] == kind]
    return dict(found)


def _quantity(text: object) -> float:
    """Return a number as Kubernetes writes it, such as 2 or 500m."""
    written = str(text)
    return float(written.removesuffix(_THOUSANDTHS)) / (1_000 if written.endswith(_THOUSANDTHS) else 1)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadManifest(f"{file} cannot be read ({error.strerror}), and the autoscaler's numbers are there") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise BadManifest(
            f"{file} does not say how its service is scaled ({type(error).__name__}: {str(error).splitlines()[0]}):"
            " correct it, or take the one of the repository"
        ) from None

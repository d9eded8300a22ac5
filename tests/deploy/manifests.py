"""The manifests for Kubernetes as `kubectl apply -k` would send them, and what of them is valid."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import yaml
from jsonschema import Draft202012Validator

from seawall.stack.places import ROOT

Manifest = dict[str, Any]
KUBERNETES = ROOT / "deploy" / "kubernetes"
BASE, LOAD = "base", "load"
STRIMZI, KEDA, LOCUST = "overlays/strimzi", "overlays/keda", "overlays/locust-operator"
SPARK = "overlays/spark"
ALL = (BASE, LOAD, STRIMZI, KEDA, LOCUST, SPARK)
VERSIONS = ("1.32", "1.37")
"""The oldest and the newest Kubernetes that the manifests are held to."""
_SCHEMAS = Path(__file__).parent / "schemas"


def kustomize() -> list[str]:
    """Return the command that builds a directory; empty where there is none."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    return ["kubectl", "kustomize"] if shutil.which("kubectl") else []


@cache
def built(directory: str) -> list[Manifest]:
    """Return what a directory comes to; without `kustomize`, what its files hold that are no patches."""
    return build(KUBERNETES / directory)


def build(place: Path) -> list[Manifest]:
    """Return what the kustomization at *place* comes to; raises `CalledProcessError` where it cannot be built."""
    command = kustomize()
    if command:
        done = subprocess.run([*command, place], capture_output=True, text=True, check=True)
        return [document for document in yaml.safe_load_all(done.stdout) if document]
    return [document for file in resources(place) for document in yaml.safe_load_all(file.read_text("utf-8"))]


def resources(place: Path) -> Iterator[Path]:
    """Yield the files that a kustomization and those that it stands on name as resources."""
    for name in yaml.safe_load((place / "kustomization.yaml").read_text("utf-8")).get("resources", []):
        target = place / name
        if target.is_dir():
            yield from resources(target.resolve())
        else:
            yield target


def flaws(manifest: Manifest) -> list[str]:
    """Return what is wrong with a manifest: by the schemas of Kubernetes, or those that we keep of others' kinds."""
    kind, version = manifest["kind"], manifest["apiVersion"]
    ours = _custom().get(kind)
    if ours is not None:
        found = [error.message for error in Draft202012Validator(ours["spec"]).iter_errors(manifest.get("spec"))]
        return found + ([] if version == ours["group"] else [f"{kind} is of {ours['group']}, not {version}"])
    found = []
    for desired in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, desired, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            found.append(f"{desired}: {error.message}")
    return found


@cache
def _custom() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for file in _SCHEMAS.glob("*.yaml"):
        schemas |= yaml.safe_load(file.read_text("utf-8"))
    return schemas


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return the one manifest of that kind and name."""
    (found,) = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Return the templates of pods, by kind and name of what makes them."""
    return {
        f"{each['kind']}/{each['metadata']['name']}": each["spec"]["template"]
        for each in manifests
        if each["kind"] in ("Deployment", "StatefulSet", "Job")
    }


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Tell whether a label selector selects pods with these labels."""
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In"
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def allowed(manifests: list[Manifest], source: dict[str, str], target: dict[str, str], port: int) -> bool:
    """Tell whether pods labelled *source* may connect to *port* of those labelled *target*, by both sides' policies."""
    policies = [each["spec"] for each in manifests if each["kind"] == "NetworkPolicy"]
    for direction, mine, peer in (("Egress", source, target), ("Ingress", target, source)):
        matching = [
            policy for policy in policies if direction in policy["policyTypes"] and selects(policy["podSelector"], mine)
        ]
        rules = [rule for policy in matching for rule in policy.get(direction.lower(), [])]
        side = "to" if direction == "Egress" else "from"
        if matching and not any(_matches(rule, side, peer, port) for rule in rules):
            return False
    return True


def _matches(rule: Manifest, side: str, peer: dict[str, str], port: int) -> bool:
    open_ports = [each["port"] for each in rule.get("ports", [])]
    places = rule.get(side)
    return port in open_ports and (
        places is None or any(selects(place["podSelector"], peer) for place in places if "podSelector" in place)
    )

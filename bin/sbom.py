"""Writes the software bill of materials (CycloneDX 1.6) of what a user's Seawall consists of, from its locks alone.

``.venv/bin/python bin/sbom.py > docs/sbom.cdx.json``. It holds no time and no random number: the same locks give the
same file.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).parent.parent
LOCKS = (
    "requirements.lock",
    "seawall/stack/kafka_jars.lock",
    "seawall/stack/jmx_agent.lock",
    "seawall/stack/registry.lock",
    "seawall/stack/spark_jars.lock",
    "benchmarks/kafka_tools.lock",
)
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def python_packages(lock: str) -> Iterator[Component]:
    """Yield the packages of a lock of pip, each with the hashes of all files that may be installed."""
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        pin = _PIN.match(block)
        if pin:
            yield _component("pypi", pin[1], pin[2], sorted(_HASH.findall(block)))


def jars(lock: str) -> Iterator[Component]:
    """Yield the jars of Kafka and its tools, the one that shows its figures, and the archive of the registry."""
    for line in lock.splitlines():
        if line and not line.startswith("#"):
            coordinate, _, digest = line.split()
            group, name, version = coordinate.split(":")[:3]
            yield _component("maven", name, version, [digest], group)


def _component(kind: str, name: str, version: str, digests: list[str], group: str | None = None) -> Component:
    address = PackageURL(kind, group, name, version)
    return Component(
        type=ComponentType.LIBRARY,
        group=group,
        name=name,
        version=version,
        purl=address,
        bom_ref=address.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in digests],
    )


def bill() -> str:
    """Return the bill as JSON."""
    locks = [(ROOT / place).read_text(encoding="utf-8") for place in LOCKS]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bom = Bom(serial_number=uuid5(NAMESPACE_OID, "".join(locks)))
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the format does not ask for it
    root = Component(
        type=ComponentType.APPLICATION, name=project["name"], version=project["version"], bom_ref=project["name"]
    )
    bom.metadata.component = root
    for component in (*python_packages(locks[0]), *jars("\n".join(locks[1:]))):
        bom.components.add(component)
    bom.register_dependency(root, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=1)


if __name__ == "__main__":
    sys.stdout.write(bill() + "\n")

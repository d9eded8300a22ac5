"""Prometheus beside the stack, where it is installed: it reads what API, sinks, servers and Locust show."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from seawall.stack.places import ROOT
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, make_directories, plain_environment, status_of

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
MISSING = "no Prometheus is installed, so none reads the metrics (Debian, Ubuntu: apt-get install prometheus)"
EVERY_S = 2
_KEPT = "24h"
_LAST = 19


class Prometheus(OwnService):
    """A server on loopback whose data lie below the stack's and go with them; its API changes nothing."""

    name = kind = "prometheus"
    niceness = _LAST
    stop_within_s = 15.0
    ready_within_s = 45.0

    def __init__(self, program: Path, targets: Mapping[str, Mapping[str, str]], *, port: int, directory: Path) -> None:
        """*targets* are the addresses (``host:port``) of each job by the names of the services."""
        self.port: int | None = port
        self.address = f"http://{HOST}:{port}"
        self._program, self._targets, self._directory = program, targets, directory

    def prepare(self) -> None:
        """Write the configuration."""
        make_directories(self._directory, self._directory / "tmp", targets_directory(self._directory.parent))
        (self._directory / "prometheus.yaml").write_text(json.dumps(self._configuration(), indent=1), encoding="utf-8")

    def command(self) -> list[str]:
        """Return the server's command line."""
        return [
            str(self._program),
            f"--config.file={self._directory / 'prometheus.yaml'}",
            f"--web.listen-address={HOST}:{self.port}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--storage.tsdb.retention.time={_KEPT}",
            "--log.level=warn",
        ]

    def environment(self) -> dict[str, str]:
        """Return a plain environment; one processor is enough."""
        return {**plain_environment(self._directory / "tmp"), "GOMAXPROCS": "1"}

    def answer(self) -> str:
        """Return the version once it serves; raises `NotReady`."""
        status = status_of(self.port, "/-/ready")
        if status != HTTPStatus.OK:
            raise NotReady(f"it answers {status}")
        return version(self._program)

    def _configuration(self) -> dict[str, Any]:
        """Return the configuration; JSON is YAML."""
        jobs: list[dict[str, Any]] = [
            {
                "job_name": f"seawall-{job}",
                "static_configs": [{"targets": [place], "labels": {"service": name}} for name, place in places.items()],
            }
            for job, places in self._targets.items()
        ]
        # Locust comes and goes: each process that shows its run leaves a file here as long as it lives
        found = str(targets_directory(self._directory.parent) / "*.json")
        jobs.append({"job_name": "seawall-load", "file_sd_configs": [{"files": [found], "refresh_interval": "5s"}]})
        return {
            "global": {
                "scrape_interval": f"{EVERY_S}s",
                "scrape_timeout": f"{EVERY_S}s",
                "evaluation_interval": f"{EVERY_S}s",
            },
            "rule_files": [str(RULES)],
            "scrape_configs": jobs,
        }


def targets_directory(data: Path) -> Path:
    """Return where those that come and go tell where they are, below a stack's *data*."""
    return data / "prometheus" / "targets"


def find_prometheus() -> Path | None:
    """Return the program of the PATH, if there is one."""
    found = shutil.which("prometheus")
    return None if found is None else Path(found)


@cache
def version(program: Path) -> str:
    """Return what *program* says that it is, such as ``prometheus 2.42.0``."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    number = re.search(r"version ([0-9.]+)", said.stdout + said.stderr)
    return f"prometheus {number[1] if number else '0'}"

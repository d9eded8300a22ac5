"""Facts about the machine and the software, which stand beside every result."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

_LIBRARIES = (
    "locust", "gevent", "geventhttpclient", "fastapi", "uvicorn", "uvloop", "httptools", "sqlalchemy", "asyncpg",
    "psycopg", "asyncmy", "pymysql", "confluent-kafka", "redis", "msgspec", "numpy",
)  # fmt: skip


def machine_facts() -> dict[str, Any]:
    """Return processor, memory, kernel, Python, library versions, load and the project's commit."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "libraries": {name: found for name in _LIBRARIES if (found := _version_of(name))},
        "commit": _commit(),
    }


def _version_of(package: str) -> str:
    """Return its version; empty where it is not installed, as those of the service are not beside the load alone."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    root = Path(__file__).parents[2]
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except OSError:
        return "unknown"
    return described.stdout.strip() or "unknown"

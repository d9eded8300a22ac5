"""Spark, an extra: whether it is here is told without the code that is tested, so that a mistake there is no skip."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

import pytest

from seawall.stack.spark import require_spark


def spark_home() -> Path:
    """Return the home of Spark's Java; where Spark or Debian's Java 17 is not installed the test is left out."""
    if not list(distributions(name="pyspark")) or not list(Path("/usr/lib/jvm").glob("*17*/bin/java")):
        pytest.skip("pyspark (requirements-spark.lock) or Java 17 (openjdk-17-jre-headless) is not installed")
    return require_spark()

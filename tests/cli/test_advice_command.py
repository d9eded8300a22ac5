"""Keys that crowd and caches that forget at once, planted on real servers: the run says so, wherever it is read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from seawall.report.advice_words import HEADING
from seawall.result import AdviceKind, read_result
from seawall.stack.places import ROOT

FORGETS = {"SEAWALL_MEMORY_TTL_S": "0.2", "SEAWALL_CACHE_TTL_S": "1"}


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_hot_partition_and_a_short_time_to_live_are_told_of(tmp_path: Path) -> None:
    """On the console, on the page and in the result."""
    out = tmp_path / "out"
    done = subprocess.run(
        [
            *(ROOT / "bin" / "seawall", "compare", "--quick", "--parts", "load", "--paths", "kafka", "--clean"),
            *("--users", "20", "--rate", "12", "--duration", "8s", "--warmup", "1s", "--load-entity", "orders"),
            *("--key-skew", "2", "--output", out),
        ],
        env={**os.environ, **FORGETS, "SEAWALL_HOME": str(tmp_path / "home")},
        capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    found = read_result(out / "result.json")
    assert {one.kind for one in found.advice} >= {AdviceKind.HOT_PARTITION, AdviceKind.CACHE_TTL}, done.stderr
    (hot,) = [one for one in found.advice if one.kind is AdviceKind.HOT_PARTITION]
    assert hot.evidence["fullest_times_even"] > 1.5
    assert hot.evidence["partitions"] == 3
    (products,) = [one for one in found.advice if "lookups of products" in one.says]
    assert products.evidence["lives_s"] == 1.2
    assert products.evidence["fetched"] > 300
    assert HEADING in done.stdout
    assert hot.says in " ".join(done.stdout.split())
    assert HEADING in (out / "report.html").read_text(encoding="utf-8")

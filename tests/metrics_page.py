"""What docs/metrics.md says that a process shows, and what one does show."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

_PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
_SUFFIX = {"counter": "_total"}
_COME_LATER = {"seawall_sink_lag_records"}
"""These have no sample before something was read."""


def documented(section: str) -> dict[str, set[str]]:
    """Return the labels of each metric that a section lists."""
    text = re.split(r"^## ", _PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (rows,) = [part for part in text if part.startswith(f"{section}\n")]
    return {
        name: set(re.findall(r"`([^`]+)`", labels))
        for names, labels in re.findall(r"^\| (`seawall_[^|]+) \| ([^|]*)\|", rows, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", names)
    }


def shown(url: str) -> dict[str, set[str]]:
    """Return the labels of each metric of ours that a process shows."""
    return {
        family.name + _SUFFIX.get(family.type, ""): {label for one in family.samples for label in one.labels} - {"le"}
        for family in text_string_to_metric_families(httpx.get(url, timeout=20).text)
        if family.name.startswith("seawall_")
    }


def check(url: str, section: str) -> None:
    """Fail unless the page and the process name the same metrics with the same labels."""
    there, told = shown(url), documented(section)
    assert there.keys() == told.keys()
    for name, labels in there.items():
        assert labels == told[name] or (not labels and name in _COME_LATER), name

"""The registry of metrics, and the page that describes it."""

from __future__ import annotations

import re

import pytest

from seawall.stack.places import ROOT
from seawall.targets.errors import BadLimit, BadTargets
from seawall.targets.limit import limit_of, read_limit
from seawall.targets.metrics import METRICS, Better, Metric, Scope, Unit
from seawall.targets.parse import parse_targets

PAGE = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")
MANY_SCOPES = "all five"

MISTAKEN = """[[always]]
name = "writes"
metric = "respons_p95_ms"
scop = "write"
limit = "< 200 ms"

[[always]]
name = "visible"
metric = "visible_p95_ms"
limit = "> 200 ms"

[[attain]]
name = "available"
metric = "availability"
limit = ">= 99.9"
"""


def row_of(metric: Metric) -> str:
    """Return the line of the page's table that describes *metric*."""
    units = ", ".join(suffix for suffix, _ in metric.unit.value if suffix)
    scopes = MANY_SCOPES if len(metric.scopes) == len(Scope) else ", ".join(metric.scopes)
    cells = (f"`{metric.name}`", units, metric.better, metric.meaning, scopes)
    return re.sub(" +", " ", f"| {' | '.join(cells)} |")


def test_the_page_describes_every_metric_as_it_is() -> None:
    """The table of metrics holds each metric in its order, with unit, direction, source and scopes, and no other."""
    rows = [line for line in PAGE.partition("## Scopes")[0].splitlines() if line.startswith("| `")]
    assert rows == [row_of(metric) for metric in METRICS.values()]


def test_the_page_describes_every_scope() -> None:
    """The table of scopes holds each of them, and no other."""
    section = PAGE.partition("## Scopes")[2].partition("## Limits")[0]
    assert re.findall(r"^\| `([^`]+)`", section, re.MULTILINE) == [
        Scope.ALL,
        Scope.WRITE,
        Scope.CACHED_LOOKUP,
        Scope.UNCACHED_LOOKUP,
        Scope.ANALYTICS,
    ]


@pytest.mark.parametrize("text", re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
def test_files_on_the_page_can_be_used(text: str) -> None:
    """Whoever copies an example has targets."""
    assert parse_targets(text, "mine.toml").targets


def test_mistakes_on_the_page_are_told_so() -> None:
    """The messages that the page shows are the ones of today."""
    (shown,) = re.findall(r"^```text\n(mine.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    with pytest.raises(BadTargets) as caught:
        parse_targets(MISTAKEN, "mine.toml")
    assert str(caught.value) == shown.rstrip()


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_every_metric_can_be_limited_in_its_direction_alone(metric: Metric) -> None:
    """There is a limit that can be met and missed, and its mirror image is refused."""
    number = "0" if metric.unit is Unit.COUNT and metric.better is Better.LOWER else "50"
    unit = "%" if metric.unit is Unit.SHARE else ""
    right, wrong = ("<=", ">=") if metric.better is Better.LOWER else (">=", "<=")
    limit = limit_of(metric, read_limit(f"{right} {number} {unit}"))
    assert limit.meets(limit.number)
    with pytest.raises(BadLimit, match=r"is better|is a FAIL"):
        limit_of(metric, read_limit(f"{wrong} {number} {unit}"))


@pytest.mark.parametrize(("name", "enough"), [("response_p50_ms", 6), ("response_p95_ms", 72), ("visible_p99_ms", 368)])
def test_a_quantile_takes_as_many_samples_as_its_interval(name: str, enough: int) -> None:
    """One sample fewer and no 95 % interval of that quantile exists."""
    assert METRICS[name].smallest_sample == enough

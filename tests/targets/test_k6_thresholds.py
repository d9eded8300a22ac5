"""Targets as thresholds of k6."""

from __future__ import annotations

import pytest

from seawall.stack.places import ROOT
from seawall.targets.k6_thresholds import as_k6_option, k6_thresholds
from seawall.targets.metrics import Scope
from seawall.targets.parse import parse_targets


def option_of(text: str) -> dict[str, list[str]]:
    """Return k6's option for the targets in *text*."""
    return as_k6_option(k6_thresholds(parse_targets(text, "here").targets))


def test_ours_become_a_threshold_for_each_scope() -> None:
    """What k6 cannot know, such as rows, is left to Seawall."""
    targets = parse_targets((ROOT / "targets.toml").read_text(encoding="utf-8"), "targets.toml")
    assert as_k6_option(k6_thresholds(targets.meant_for([Scope.WRITE, Scope.CACHED_LOOKUP], attain=True))) == {
        "http_req_duration{scope:write}": ["p(95)<200"],
        "http_req_duration{scope:cached lookup}": ["p(95)<200"],
        "http_req_failed": ["rate<=0.001"],
    }


@pytest.mark.parametrize(
    ("metric", "scope", "limit", "expected"),
    [
        ("response_p99_ms", "all", "<= 1.5 s", {"http_req_duration": ["p(99)<=1500"]}),
        ("response_p50_ms", "write", "< 0.25 ms", {"http_req_duration{scope:write}": ["p(50)<0.25"]}),
        ("service_p95_ms", "analytics", "< 3", {"http_req_duration{scope:analytics}": ["p(95)<3"]}),
        ("error_ratio", "write", "<= 0.00001", {"http_req_failed{scope:write}": ["rate<=0.00001"]}),
        ("visible_p95_ms", "write", "< 1 s", {}),
        ("users", "all", ">= 10", {}),
    ],
)
def test_limits_are_written_as_k6_reads_them(
    metric: str, scope: str, limit: str, expected: dict[str, list[str]]
) -> None:
    """In milliseconds and shares of 1, without exponents."""
    line = f'[[always]]\nname = "it"\nmetric = "{metric}"\nscope = "{scope}"\nlimit = "{limit}"\n'
    assert option_of(line) == expected


def test_two_limits_of_one_figure_are_two_expressions() -> None:
    """Of the same metric and scope."""
    line = '[[always]]\nname = "{0}"\nmetric = "response_p{0}_ms"\nscope = "write"\nlimit = "< {0}"\n'
    assert option_of(line.format(50) + line.format(99)) == {"http_req_duration{scope:write}": ["p(50)<50", "p(99)<99"]}

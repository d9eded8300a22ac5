"""Limits."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.targets.errors import BadLimit
from seawall.targets.limit import Limit, limit_of, read_limit
from seawall.targets.metrics import METRICS


def limit(metric: str, text: str) -> Limit:
    """Read *text* as a limit of *metric*."""
    return limit_of(METRICS[metric], read_limit(text))


@pytest.mark.parametrize(
    ("metric", "text", "shown", "met", "missed"),
    [
        ("response_p95_ms", "< 200", "< 200 ms", 199.9, 200.0),
        ("response_p95_ms", "<=200ms", "<= 200 ms", 200.0, 200.1),
        ("visible_p95_ms", "  <  1.5  s ", "< 1500 ms", 1_499.0, 1_500.0),
        ("error_ratio", "<= 0.1 %", "<= 0.1 %", 0.001, 0.0011),
        ("error_ratio", "<= 0.001", "<= 0.1 %", 0.001, 0.0011),
        ("availability", ">= 99.9 %", ">= 99.9 %", 999 / 1000, 998 / 1000),
        ("availability", "> 0.5", "> 50 %", 0.51, 0.5),
        ("users", ">= 10_000", ">= 10000", 10_000, 9_999),
        ("writes_per_s", "> 9999.5 /s", "> 9999.5 /s", 9_999.6, 9_999.5),
        ("lost", "= 0", "= 0", 0, 1),
        ("lost", "<= 0", "<= 0", 0, 1),
        ("duplicates", "<= 3", "<= 3", 3, 4),
    ],
)
def test_reads_a_limit(metric: str, text: str, shown: str, met: float, missed: float) -> None:
    """Text becomes a limit that is shown in one form, met up to its number and missed beyond."""
    found = limit(metric, text)
    assert str(found) == shown
    assert found.meets(met)
    assert not found.meets(missed)


@pytest.mark.parametrize(
    ("metric", "text", "said"),
    [
        ("response_p95_ms", "", "is no limit"),
        ("response_p95_ms", "fast", "is no limit"),
        ("response_p95_ms", "< 10,000", "is no limit"),
        ("response_p95_ms", "=< 200", "is no limit"),
        ("response_p95_ms", "< 1e3", "is in 'e'|is no limit"),
        ("response_p95_ms", "< nan", "is no limit"),
        ("response_p95_ms", "200 ms", "no operator.*<= 200 ms"),
        ("response_p95_ms", "> 200", 'lower is better: write "< 200"'),
        ("response_p95_ms", ">= 0.2 s", 'lower is better: write "<= 0.2 s"'),
        ("response_p95_ms", "= 200", 'asks for exactly 200.*"<= 200"'),
        ("response_p95_ms", "< -5", "never below 0"),
        ("response_p95_ms", "< 0", "out of range.*0.001 ms"),
        ("response_p95_ms", "<= 0", "out of range"),
        ("response_p95_ms", "< 0.001", "can never be met"),
        ("response_p95_ms", "< 2 %", "is in '%', but response_p95_ms is in ms or s"),
        ("response_p95_ms", "< 7200 s", "out of range"),
        ("response_p95_ms", "<= 3600 s", "never be missed"),
        ("error_ratio", "<= 5", 'share.*write "<= 5 %"'),
        ("error_ratio", "<= 120 %", "share.*nothing is more than all"),
        ("error_ratio", "<= 1", "never be missed"),
        ("error_ratio", "< 0 %", "never be met"),
        ("availability", ">= 99.9", 'write ">= 99.9 %"'),
        ("availability", "> 100 %", "never be met: no availability is above 100 %"),
        ("availability", ">= 0", "never be missed"),
        ("availability", "<= 99.9 %", 'higher is better: write ">= 99.9 %"'),
        ("users", ">= 10.5", "no whole number"),
        ("users", ">= 1", "never be missed"),
        ("users", "= 100", 'write ">= 100"'),
        ("users", ">= 100 ms", "is in 'ms', but users is a bare number"),
        ("lost", "< 0", 'only limit of lost is "= 0"'),
        ("lost", "< 1", 'only limit of lost is "= 0"'),
        ("lost", "<= 5", "any lost record is a FAIL"),
        ("lost", "= -1", "never below 0"),
        ("duplicates", "= 3", 'write "<= 3"'),
        ("duplicates", "< 0", "never be met"),
    ],
)
def test_refuses_a_limit_that_cannot_be_meant(metric: str, text: str, said: str) -> None:
    """What cannot be read, reached or missed, or asks for worse, is refused with what to write instead."""
    with pytest.raises(BadLimit, match=said):
        limit(metric, text)


@given(
    st.sampled_from([metric for metric in METRICS.values() if not metric.zero_only]),
    st.decimals(min_value=0, max_value=Decimal(10) ** 9, places=6),
    st.sampled_from(["<", "<=", ">", ">=", "="]),
    st.sampled_from(["", "ms", "s", "%", "/s"]),
)
def test_every_limit_is_read_back_from_what_is_shown(metric: object, number: Decimal, sign: str, unit: str) -> None:
    """The form in reports can be put into a file again and means the same."""
    name = str(getattr(metric, "name", ""))
    try:
        found = limit(name, f"{sign} {number} {unit}")
    except BadLimit:
        return
    assert limit(name, str(found)) == found


@given(st.text())
def test_any_text_is_a_limit_or_refused(text: str) -> None:
    """No text ends in another error."""
    for metric in METRICS:
        try:
            limit(metric, text)
        except BadLimit as bad:
            assert str(bad)  # noqa: PT017 - either way is right

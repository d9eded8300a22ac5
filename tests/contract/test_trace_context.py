"""What a `traceparent` says, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.trace_context import TraceContext, read_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("value", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-ff", True),  # flags that are not known yet
        (f"00-{TRACE}-{SPAN}-fe", False),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", True),
    ],
)
def test_it_is_read_as_the_standard_says(value: str, *, sampled: bool) -> None:
    """Of later versions, too."""
    assert read_traceparent(value.encode()) == TraceContext(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",  # not in this version
        f"00-{TRACE}-{SPAN}-01\n",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0x",
        f"cc-{TRACE}-{SPAN}-01-{'a' * 5000}",
    ],
)
def test_what_is_none_is_passed_over(value: str) -> None:
    """As if there were none."""
    assert read_traceparent(value.encode()) is None


@given(st.binary(max_size=300))
def test_whatever_bytes_come_none_of_them_is_an_error(value: bytes) -> None:
    """And what is taken for one is written as such."""
    found = read_traceparent(value)
    assert found is None or read_traceparent(found.header) == found


@given(st.integers(1, 2**128 - 1).map("{:032x}".format), st.integers(1, 2**64 - 1).map("{:016x}".format), st.booleans())
def test_what_is_written_is_read_again(trace_id: str, span_id: str, sampled: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever the ids are."""
    context = TraceContext(trace_id, span_id, sampled)
    assert read_traceparent(context.header) == context

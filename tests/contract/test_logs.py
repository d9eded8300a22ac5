"""Log lines for people and for machines."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from uuid import UUID

import pytest

from contract.logs import LogFormat, about, start_logging
from contract.spans import Span, reset_current, set_current
from contract.trace_context import TraceContext

log = logging.getLogger("some.module")
IDENTITY = UUID(int=7)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str], form: LogFormat) -> list[str]:
    """Return what is written of a plain message, one about a record, and one with a trace."""
    start_logging(form)
    log.info("all is %s", "well")
    log.warning("two\nlines", extra=about(IDENTITY))
    try:
        int("no")
    except ValueError:
        log.exception("it failed")
    log.debug("nobody reads this")
    return capsys.readouterr().err.splitlines()


def test_machines_get_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With the id as a field of its own, and line ends within texts."""
    plain, of_record, failed = (json.loads(line) for line in lines(capsys, "json"))
    assert plain.keys() == {"time", "level", "logger", "message"}
    assert (plain["level"], plain["logger"], plain["message"]) == ("INFO", "some.module", "all is well")
    assert plain["time"].endswith("+00:00")
    assert (of_record["message"], of_record["record_id"]) == ("two\nlines", str(IDENTITY))
    assert "ValueError: invalid literal" in failed["exception"]


def test_people_get_a_line_with_the_id_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    """As logs always looked."""
    plain, *of_record = lines(capsys, "text")[:3]
    assert plain.endswith("INFO some.module all is well")
    assert of_record[1] == f"lines (record {IDENTITY})"


class _Traced(Span):
    context = TraceContext("a" * 32, "b" * 16, sampled=True)


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_trace_is_named_where_there_is_one(capsys: pytest.CaptureFixture[str], form: LogFormat) -> None:
    """That of the request that is served, or the one that a message names itself."""
    start_logging(form)
    token = set_current(_Traced())
    log.info("served")
    log.info("of a record", extra=about(IDENTITY))
    reset_current(token)
    log.info("of a letter", extra=about(IDENTITY, "c" * 32))
    said = capsys.readouterr().err.splitlines()
    if form == "json":
        found = [(one.get("record_id"), one.get("trace_id")) for one in map(json.loads, said)]
        assert found == [(None, "a" * 32), (str(IDENTITY), "a" * 32), (str(IDENTITY), "c" * 32)]
    else:
        assert said[0].endswith(f"served (trace {'a' * 32})")
        assert said[1].endswith(f"of a record (record {IDENTITY}, trace {'a' * 32})")

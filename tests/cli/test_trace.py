"""`trace`: the way of one record, drawn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kept_traces import new_parent
from new_records import new_fields
from rich.console import Console
from service_processes import eventually
from test_app import seawall

from contract.entities import ENTITIES
from contract.spans import is_asked_for
from seawall.cli.waterfall import trace_list, waterfall
from seawall.observe.trace_file import Trace, TracedSpan
from seawall.stack.errors import BadOptions
from seawall.stack.options import StackOptions
from seawall.stack.places import ROOT
from seawall.stack.trace_receiver import ENDPOINT, trace_variables

MS = 1_000_000


def span(name: str, parent: str, begins_ms: int, takes_ms: int, **more: str | int) -> TracedSpan:
    """Return a span that is named as its id."""
    begun_ns = 1_700_000_000 * 10**9 + begins_ms * MS
    return TracedSpan(
        trace_id="a" * 32, span_id=name, parent_id=parent, service="a service", name=name, kind="server",
        begun_ns=begun_ns, ended_ns=begun_ns + takes_ms * MS, attributes=dict(more), linked=[], failed=None,
    )  # fmt: skip


def drawn(what: object) -> list[str]:
    """Return what is printed."""
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123 - for the test's time
    console.print(what)
    return console.export_text().splitlines()


def test_a_waterfall_has_a_bar_where_each_span_lies() -> None:
    """Names are indented by depth, times count from the trace's begin, the second half's bar is in the second half."""
    spans = [span("whole", "", 0, 100, **{"seawall.record.id": "r-1"}), span("second half", "whole", 50, 50)]
    trace = Trace(trace_id="a" * 32, spans=spans)
    head, record, *lines = drawn(waterfall(trace))
    assert head.startswith(f"trace {'a' * 32}, 22:13:20.000 UTC, 100.0 ms")
    assert record.rstrip() == "record r-1"
    whole, half = (line for line in lines if "a service" in line)
    assert whole.split()[2:5] == ["whole", "0.00", "100.00"]
    assert "   second half" in half
    assert half.split()[4:6] == ["50.00", "50.00"]
    assert whole.count("━") == 40
    assert half.count("━") == 20
    assert half.index("━") > whole.index("━") + 18


def test_a_list_has_a_line_a_trace() -> None:
    """With its id, its record and how long it took."""
    lines = drawn(trace_list([Trace(trace_id="a" * 32, spans=[span("one", "", 3, 7, **{"seawall.record.id": "r-1"})])]))
    (line,) = (line for line in lines if "one" in line)
    assert line.split() == ["a" * 32, "22:13:20.003", "7.0", "1", "a", "service", "one", "r-1"]


@pytest.mark.usefixtures("stack")
def test_a_stack_that_keeps_none_says_how_to_get_one() -> None:
    """With exit code 2."""
    done = seawall("trace")
    assert done.returncode == 2
    assert "bin/seawall up --trace 1%" in done.stderr


def test_a_share_is_one() -> None:
    """Before anything is started."""
    with pytest.raises(BadOptions, match="choose 0 to 1"):
        StackOptions(trace=2.0).checked()


def test_a_stack_traces_only_what_its_options_say() -> None:
    """A collector of the user's own shell turns nothing on in the processes of an experiment."""
    shell = {ENDPOINT: "http://127.0.0.1:4318"}
    assert not is_asked_for({**shell, **trace_variables(StackOptions(), "")})
    assert is_asked_for({"OTEL_SDK_DISABLED": "true", **trace_variables(StackOptions(trace=0.0), "http://127.0.0.1:1")})


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a stack of its own that keeps traces."""
    settings = {**os.environ, "SEAWALL_HOME": str(tmp_path_factory.mktemp("home")), "COLUMNS": "200"}
    done = _seawall(settings, "up", "--trace", "0")
    assert done.returncode == 0, done.stderr
    yield settings
    assert _seawall(settings, "down").returncode == 0


def _seawall(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "bin" / "seawall", *arguments], env=settings, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.long  # a stack of its own takes a quarter of a minute
def test_a_record_is_found_by_its_id_and_drawn(own_stack: dict[str, str]) -> None:
    """From the API to the commit of its row, which comes within the stages of the sink."""
    state = json.loads(_seawall(own_stack, "status", "--json").stdout)
    (trace_id, parent), fields = new_parent(), new_fields(ENTITIES["users"])
    assert "there is no trace yet" in _seawall(own_stack, "trace").stderr
    headers = {"authorization": f"Bearer {state['api_key']}", "traceparent": parent}
    assert httpx.post(f"{state['api_url']}/v1/kafka/users", json=fields, headers=headers).is_success
    eventually(lambda: "COPY" in _seawall(own_stack, "trace", fields["id"]).stdout, 60)
    assert trace_id in _seawall(own_stack, "trace").stdout
    (line,) = _seawall(own_stack, "trace", trace_id[:20], "--json").stdout.splitlines()
    assert {span["service"] for span in json.loads(line)["spans"]} == {"seawall-api", "seawall-sink"}
    assert _seawall(own_stack, "trace", "zz").returncode == 2


@pytest.mark.long
def test_no_verdict_is_about_a_stack_that_traces(own_stack: dict[str, str], tmp_path: Path) -> None:
    """Neither an experiment's nor Locust's."""
    compared = _seawall(own_stack, "compare", "--quick", "--output", str(tmp_path / "run"))
    assert compared.returncode == 2
    assert "start it without --trace" in compared.stderr
    locust: list[str | Path] = [Path(sys.executable).with_name("locust"), "-f", ROOT / "locustfiles" / "ingest.py"]
    judged = subprocess.run(
        [*locust, "--headless", "--csv", tmp_path / "out"],
        env=own_stack,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert judged.returncode == 2
    assert "start the stack without --trace" in judged.stderr

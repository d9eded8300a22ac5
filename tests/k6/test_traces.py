"""Requests of k6 that begin traces, against the service itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from kept_traces import running_receiver
from service_processes import eventually, running_api

from seawall.experiments.k6_options import K6Options
from seawall.experiments.k6_process import SCRIPT, write_for_plain_runs
from seawall.stack.k6_binary import K6Program
from seawall.stack.stack import Stack


def test_requests_of_k6_begin_traces_where_it_is_asked_for(k6: K6Program, stack: Stack, tmp_path: Path) -> None:
    """A record's trace has the record's id; what was prepared asks for none, whatever the shell says."""
    stack.fresh()
    load = K6Options(path="kafka", entity="users", rate_per_s=10, users=2, duration_s=1.0, warmup_s=0.0).load()
    with (
        running_receiver(tmp_path) as kept,
        running_api(stack.connections, tmp_path, **kept.settings) as (client, _),
    ):
        variables = write_for_plain_runs(tmp_path, load, str(client.base_url), [])
        command = f"set -a; . {variables}; {k6.program} run --quiet --address ''"

        def written_by(words: str = "") -> int:
            before = sum(stack.log_ends().values())
            subprocess.run(
                ["/bin/sh", "-c", f"{command} {words} {SCRIPT}"],
                env={**os.environ, "SEAWALL_TRACE_SHARE": "1"},
                check=True,
                capture_output=True,
                timeout=60,
            )
            return sum(stack.log_ends().values()) - before

        assert written_by() >= 10
        traced = written_by("-e SEAWALL_TRACE_SHARE=1")
        assert traced >= 10
        eventually(lambda: len([one for one in kept.traces() if one.record_ids]) >= traced, 30)
    assert len(kept.traces()) == traced
    for trace in kept.traces():
        names = {span.span_id: span.name for span in trace.spans}
        assert {span.service for span in trace.spans} == {"seawall-api"}
        ((name, parent),) = [(span.name, span.parent_id) for span in trace.spans if span.kind == "server"]
        assert parent not in names  # k6 tells nobody of the span that it began
        assert name == "POST /v1/kafka/users"
        (record_id,) = trace.record_ids
        assert (trace.trace_id, parent) == (record_id.replace("-", ""), record_id.replace("-", "")[16:])
    stack.fresh()

"""`bench schemas` in its quick form: each change of a schema meets with what it should, on a real registry."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.schema_changes import changes
from contract.codecs import CODECS


def test_every_change_is_another_one() -> None:
    """Each is tried under a subject of its own, and both outcomes occur for both kinds."""
    found = changes()
    assert len({change.subject for change in found}) == len({change.schema for change in found}) == len(found)
    assert {(change.kind, change.is_taken) for change in found} == {
        (kind, taken) for kind in ("AVRO", "PROTOBUF") for taken in (False, True)
    }


@pytest.mark.long
def test_compatible_changes_are_taken_and_others_refused() -> None:
    """And every serializer has its figures, nothing of which is judged."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "bench", "schemas", "--quick", "--json"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    for change in changes():
        figure = figures[f"{change.kind.lower()}: {change.name}"]
        assert figure["measured"] == change.is_taken
        assert figure["error"].startswith("taken" if change.is_taken else "refused: ")
    assert figures["avro: a field with a default is added"]["error"].endswith("a sink of today reads it")
    assert "first" in figures["avro: a field is removed"]["error"]
    sizes = {name: figures[f"{name}: bytes of a value"]["measured"] for name in CODECS}
    assert max(sizes["bytes"], sizes["avro"], sizes["protobuf"]) < sizes["string"] < sizes["json"]

"""The published schema of `result.json`."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.report.schema import result_schema, schema_text
from seawall.stack.places import ROOT

PUBLISHED = ROOT / "docs" / "result.schema.json"
COMMITTED = sorted((ROOT / "results" / "reference").glob("*/result.json"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """A validator of results."""
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_that_of_this_version() -> None:
    """To be written again with `python -m seawall.report.schema > docs/result.schema.json`."""
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_every_committed_result_keeps_it(validator: jsonschema.Draft202012Validator, path: Path) -> None:
    """Also those of earlier versions: fields are only ever added, and each new one has a default."""
    assert list(validator.iter_errors(json.loads(path.read_text(encoding="utf-8")))) == []


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    """Return what takes a field out of a result."""
    return lambda result: result.pop(name)


BREAK: dict[str, Callable[[dict[str, Any]], None]] = {
    "no experiment": drop("experiment"),
    "an outcome that is none": lambda result: result.update(outcome="MAYBE"),
    "text for a count": lambda result: result["trials"][0].update(requests="many"),
    "a trial without a name": lambda result: result["trials"][0].pop("name"),
}


@pytest.mark.parametrize("what", BREAK)
def test_what_is_no_result_does_not_keep_it(validator: jsonschema.Draft202012Validator, what: str) -> None:
    """A schema that takes everything would prove nothing."""
    result = copy.deepcopy(json.loads(COMMITTED[0].read_text(encoding="utf-8")))
    BREAK[what](result)
    assert list(validator.iter_errors(result))


def test_only_what_has_no_default_is_required() -> None:
    """So a result that an older version wrote needs no change."""
    required = set(result_schema()["$defs"]["Result"]["required"])
    assert required == {"experiment", "started_at", "finished_at", "seed", "outcome"}

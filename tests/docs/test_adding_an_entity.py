"""`docs/adding-an-entity.md`, followed to the letter in a copy of the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from recipes import Recipe, apply, read_recipe

from contract.ids import Run, mint
from seawall.stack.places import ROOT

NAME, NUMBER = "coupons", 15
PATHS = {"sync": 201, "grouped": 201, "kafka": 202}


class Copy:
    """A copy of the repository that runs on this environment's packages, with a home of its own."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        # the copy comes before the repository, which the environment itself puts on the path
        self.environment = {**os.environ, "PYTHONPATH": str(root), "SEAWALL_HOME": str(home)}

    def run(self, script: str) -> str:
        """Run a shell script that must succeed, and return what it printed."""
        done = subprocess.run(
            ["/bin/sh", "-euc", script],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def state(self) -> dict[str, Any]:
        """Return the running stack's state."""
        found: dict[str, Any] = json.loads(self.run("bin/seawall status --json"))
        return found


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """Copy all files that git does not ignore; `bin/seawall` and `.venv` of the copy lead to this environment."""
    root = tmp_path / "repository"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    binaries = root / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for place, command in (
        (binaries / "python", f'{sys.executable} "$@"'),
        (root / "bin" / "seawall", f'{sys.executable} -P -m seawall.cli "$@"'),
    ):
        place.write_text(f"#!/bin/sh\nexec {command}\n", encoding="utf-8")
        place.chmod(0o755)
    made = Copy(root, tmp_path / "home")
    yield made
    made.run("bin/seawall down")


@pytest.fixture
def recipe() -> Recipe:
    """Read the page."""
    return read_recipe(ROOT / "docs" / "adding-an-entity.md")


@pytest.mark.timeout(240)
@pytest.mark.long
def test_the_recipe_makes_an_entity_that_all_paths_write_and_compare_judges(copy: Copy, recipe: Recipe) -> None:
    """Its edits and commands work as they stand; every path stores a record, and a comparison comes out clean."""
    before, revision, trial = recipe.scripts
    assert Path(copy.run(".venv/bin/python -c 'import contract; print(contract.__file__)'")).is_relative_to(copy.root)
    copy.run(before)
    for edit in recipe.edits:
        apply(edit, copy.root)
    copy.run(f"{sys.executable} -m ruff check contract && {sys.executable} -m ruff format --check contract")
    copy.run(revision)
    assert len(list((copy.root / "contract" / "migrations" / "versions").glob(f"*_{NAME}.py"))) == 1

    up, compare, down = trial.strip().splitlines()
    copy.run(up)
    state = copy.state()
    key = {"authorization": f"Bearer {state['api_key']}"}
    records = dict(zip(PATHS, new_records(copy), strict=True))
    for path, status in PATHS.items():
        answer = httpx.post(f"{state['api_url']}/v1/{path}/{NAME}", json=records[path], headers=key, timeout=15)
        assert answer.status_code == status, answer.text
    with psycopg.connect(state["environment"]["SEAWALL_DATABASE_URL"], autocommit=True) as connection:
        for record in records.values():
            assert row_of(connection, record["id"]) == (record["code"], record["percent_off"], record["note"])
    kafka = records["kafka"]
    assert httpx.get(f"{state['api_url']}/v1/{NAME}/{kafka['id']}", headers=key, timeout=15).json() == kafka

    copy.run(f"{compare} --clean --output compared")
    result = json.loads((copy.root / "compared" / "result.json").read_text(encoding="utf-8"))
    assert result["outcome"] == "PASS"
    assert {(one["arm"], one["entity"], one["audit"]["stored"]) for one in result["trials"]} == {
        (path, NAME, 100) for path in PATHS
    }
    copy.run(down)


def new_records(copy: Copy) -> list[dict[str, Any]]:
    """Return a record for each path, as a client of the copy would send it."""
    fields = copy.run(
        ".venv/bin/python -c 'import msgspec, contract.samples as samples, contract.entities as entities;"
        f' print(msgspec.json.encode(samples.sample_fields(entities.ENTITIES["{NAME}"], 5, {len(PATHS)})).decode())\''
    )
    run = Run(time.time_ns() // 10**6, 9)
    return [
        {"id": str(mint(run, number, 1, NUMBER)), **content} for number, content in enumerate(json.loads(fields), 1)
    ]


def row_of(connection: psycopg.Connection[Any], identity: str) -> tuple[Any, ...] | None:
    """Return the row with this id, waiting a while for it to appear."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        row = connection.execute("SELECT code, percent_off, note FROM coupons WHERE id = %s", (identity,)).fetchone()
        if row is not None:
            return tuple(row)
        time.sleep(0.05)
    return None

"""Decoders of what strangers send: whatever comes, they say that it is wrong, or it is right."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from decoders import DECODERS, MESSAGES
from hypothesis import given
from hypothesis import strategies as st
from new_records import new_record

from contract.api_keys import Scope, line_of, new_key
from contract.entities import ENTITIES, parse
from contract.errors import InvalidRecord
from contract.ids import Run
from contract.samples import Shape
from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import Ledger, read_ledger
from seawall.load.parts import CODES, DTYPES, PartFiles
from seawall.stack.places import ROOT

HERE = Path(__file__).parent
SEEDS = {
    **{name: msgspec.json.encode(new_record(entity)) for name, entity in ENTITIES.items()},
    **{name: codec.encode(ENTITIES["users"], new_record(ENTITIES["users"])) for name, codec in MESSAGES.items()},
    "keys": line_of("a", [Scope.WRITE], new_key()).encode(),
    "a header": b"Bearer " + new_key().encode(),
    "targets": (ROOT / "targets.toml").read_bytes(),
    "a journal's line": b'{"type":"clock","monotonic_ns":1,"wall_ns":2,"pid":3}',
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    """Noise."""
    DECODERS[name](data)


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.data())
def test_something_that_was_right_before(name: str, data: st.DataObject) -> None:
    """A part of it replaced, doubled or taken away."""
    right = SEEDS[name]
    begin = data.draw(st.integers(0, len(right)))
    end = data.draw(st.integers(begin, min(len(right), begin + 40)))
    put_in = data.draw(st.binary(max_size=20) | st.just(right[begin:end] * 2) | st.just(b""))
    DECODERS[name](right[:begin] + put_in + right[end:])


@pytest.mark.parametrize("name", ENTITIES)
@given(data=st.data())
def test_a_record_with_one_other_value(name: str, data: st.DataObject) -> None:
    """Any JSON value in the place of one that was right."""
    fields = msgspec.to_builtins(new_record(ENTITIES[name]))
    field = data.draw(st.sampled_from(sorted(fields)))
    DECODERS[name](msgspec.json.encode({**fields, field: data.draw(json_values)}))


@pytest.mark.parametrize("name", ENTITIES)
def test_a_refusal_repeats_no_value(name: str) -> None:
    """Whatever is wrong with it, and wherever it stands."""
    right = msgspec.to_builtins(new_record(ENTITIES[name]))
    secret = "Rumpelstilzchen"
    wrong: list[Any] = [secret, secret * 1_000, [secret], {secret: secret}, f"{secret}\0"]
    for field in right:
        for value in wrong:
            try:
                parse(ENTITIES[name], msgspec.json.encode({**right, field: value}))
            except InvalidRecord as error:
                said = str(error)
            else:
                said = ""
            assert secret not in said


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="Atheris has no wheel for this machine")
def test_a_fuzzer_that_is_guided_by_coverage_finds_nothing(tmp_path: Path) -> None:
    """A short form; its own words say how to run it for longer."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, (name, seed) in enumerate(SEEDS.items()):
        (corpus / f"seed-{number}").write_bytes(bytes([list(DECODERS).index(name)]) + seed)
    done = subprocess.run(
        [sys.executable, "-P", str(HERE / "fuzz_decoders.py"), "-runs=20000", "-max_len=600", "-seed=1", str(corpus)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "Done 20000 runs" in done.stderr
    assert not list(tmp_path.glob("crash-*"))


class Written(NamedTuple):
    """A ledger of one part."""

    directory: Path
    content: bytes

    @property
    def path(self) -> Path:
        """Where the part is."""
        return next(self.directory.glob("part-*"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write a ledger of drawn columns as a run does."""
    drawn = np.random.default_rng(1)
    columns = {name: drawn.integers(0, 200, 300).astype(DTYPES[code]) for name, code in CODES.items()}
    directory = tmp_path_factory.mktemp("ledger")
    parts = PartFiles(directory, Run(1_700_000_000_000, 5), 1, Shape())
    parts.write(columns, ["POST /a", "GET /b"])
    parts.close()
    (path,) = directory.glob("part-*")
    return Written(directory, path.read_bytes())


def same(one: Ledger, other: Ledger) -> bool:
    """Tell whether two ledgers say the same in every field."""
    fields = [getattr(ledger, field.name) for field in dataclasses.fields(Ledger) for ledger in (one, other)]
    return all(np.array_equal(a, b) for a, b in zip(fields[::2], fields[1::2], strict=True))


@given(data=st.data())
def test_a_damaged_ledger_is_refused_or_unharmed(written: Written, data: st.DataObject) -> None:
    """A bit that flips changes no column and no fact: it is found, or it was of no use."""
    written.path.write_bytes(written.content)
    right = read_ledger(written.directory)
    bit = data.draw(st.integers(0, 8 * len(written.content) - 1))
    damaged = bytearray(written.content)
    damaged[bit // 8] ^= 1 << bit % 8
    written.path.write_bytes(damaged)
    with contextlib.suppress(AuditFailed):
        assert same(read_ledger(written.directory), right)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_ledger_that_is_cut_off_is_refused(written: Written, share: float) -> None:
    """As after a copy that ended early."""
    written.path.write_bytes(written.content[: int(share * len(written.content))])
    with pytest.raises(AuditFailed, match="damaged"):
        read_ledger(written.directory)

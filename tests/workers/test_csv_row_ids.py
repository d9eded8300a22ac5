"""Ids of many imported rows are those of each."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.csv_rows import MOST_LINE, FileIdentity
from workers.csv_import.row_ids import bytes_of, digits_of


@given(st.binary(min_size=32, max_size=32), st.lists(st.integers(0, MOST_LINE), max_size=5))
def test_ids_of_many_are_those_of_each(digest: bytes, numbers: list[int]) -> None:
    """Of every file and line."""
    identity, lines = FileIdentity.of_digest(digest), np.array(numbers, dtype=np.int64)
    wanted = [identity.row(number) for number in numbers]
    assert bytes_of(lines, identity) == [one.bytes for one in wanted]
    assert digits_of(lines, identity).to_pylist() == [one.hex for one in wanted]

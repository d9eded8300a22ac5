"""Record ids."""

from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.ids import FIRST_RUN_ID, Parts, Run, base_id, mint, split
from seawall.load.run import LoadRun

runs = st.builds(Run, st.integers(1, 2**48 - 1), st.integers(0, 2**12 - 1))


@given(runs, st.integers(0, 2**32 - 1), st.integers(0, 2**26 - 1), st.integers(0, 15))
def test_an_id_holds_its_parts(run: Run, sequence: int, user: int, entity: int) -> None:
    """Splitting gives back what was minted, in a UUID of version 8."""
    identity = mint(run, sequence, user, entity)
    assert split(identity) == Parts(run, sequence, user, entity)
    assert (identity.version, identity.variant) == (8, RFC_4122)


@given(runs, st.integers(0, 2**32 - 1), st.integers(0, 2**26 - 1), st.integers(0, 15))
def test_the_hot_paths_text_is_the_same_id(run: Run, sequence: int, user: int, entity: int) -> None:
    """What a load user writes into its body is what `mint` makes."""
    maker = LoadRun(seed=1, entity="mixed", rate_per_s=1, run=run).identity_maker(user)
    assert maker(sequence, entity).decode() == str(mint(run, sequence, user, entity))


def test_ids_sort_by_run_and_sequence() -> None:
    """Earlier runs and earlier sequences come first, whatever the user."""
    earlier, later = Run(10, 0), Run(11, 0)
    assert mint(earlier, 9, 9, 3) < mint(later, 1, 1, 1)
    assert mint(earlier, 1, 9, 3) < mint(earlier, 2, 1, 1)


def test_base_rows_lie_below_every_run() -> None:
    """No count of runs includes them."""
    assert base_id(2**31, 15) < FIRST_RUN_ID <= mint(Run(1, 0), 0, 0, 0)


@pytest.mark.parametrize(
    "parts",
    [
        (Run(2**48, 0), 0, 0, 0),
        (Run(1, 4096), 0, 0, 0),
        (Run(1, 1), 2**32, 0, 0),
        (Run(1, 1), 0, 2**26, 0),
        (Run(1, 1), 0, 0, 16),
        (Run(1, 1), -1, 0, 0),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: tuple[Run, int, int, int]) -> None:
    """Nothing spills into another part's bits."""
    with pytest.raises(ValueError, match="fit"):
        mint(*parts)


def test_ids_are_uuids() -> None:
    """Any UUID parser takes them."""
    assert UUID(str(base_id(1, 1))) == base_id(1, 1)

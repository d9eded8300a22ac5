"""What queries left out of old windows is found by comparison; what that does not explain is wrong."""

from __future__ import annotations

from contract.windows import WindowResult
from seawall.experiments.analytics_figures import left_out_silently

ROWS = {0: ["a", "b", "late-1", "late-2"], 10: ["c"], 20: ["d", "late-3"]}
LATE = {0: ["late-1", "late-2"], 20: ["late-3"]}


def windows(without: frozenset[str] = frozenset()) -> dict[int, WindowResult]:
    """Return the table's windows without some rows."""
    kept = {start: [row for row in rows if row not in without] for start, rows in ROWS.items()}
    return {
        start: WindowResult(start_us=start, orders=len(rows), quantity=0, total_cents=0, top=[])
        for start, rows in kept.items()
    }


def test_the_first_late_rows_may_be_held_and_the_rest_left_out() -> None:
    """Each window by itself."""
    published = windows(frozenset({"late-2"}))
    assert left_out_silently(published, LATE, windows) == (frozenset({"late-2"}), [])
    assert left_out_silently(windows(), LATE, windows) == (frozenset(), [])
    assert left_out_silently(windows(frozenset({"late-1", "late-2", "late-3"})), LATE, windows) == (
        frozenset({"late-1", "late-2", "late-3"}),
        [],
    )


def test_a_window_that_lateness_does_not_explain_is_wrong() -> None:
    """So is one that was never published."""
    published = windows(frozenset({"c"}))
    assert left_out_silently(published, LATE, windows)[1] == [10]
    del published[20]
    assert left_out_silently(published, LATE, windows)[1] == [10, 20]

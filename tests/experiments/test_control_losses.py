"""A control must be able to fail: what it says where the audit misses something, or accuses without cause."""

from __future__ import annotations

import pytest

from seawall.experiments.control_losses import _lost_by_kill, _named, _nothing_lost
from seawall.experiments.controls import CATALOGUE, chosen, outcome_of, refuse_foreign_servers
from seawall.experiments.errors import BadOptions
from seawall.result import AuditCounts, ControlFinding, Outcome, Trial


def trial(outcome: Outcome, *, lost: list[str] | None = None, restarts: int = 0, **counts: int) -> Trial:
    """Return an audited trial."""
    lost = lost or []
    return Trial(
        name="t", kind="data", arm="a", block=0, entity="users", started_at="", users=1, outcome=outcome,
        audit=AuditCounts(**{"lost": len(lost), **counts}),
        examples={"lost": lost} if lost else {},
        restarts={"api": restarts} if restarts else {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("audited", "planted", "outcome"),
    [
        (trial(Outcome.FAIL, lost=["a", "b"]), {"a", "b"}, Outcome.PASS),
        (trial(Outcome.FAIL, lost=["a", "c"]), {"a", "b"}, Outcome.FAIL),
        (trial(Outcome.FAIL, lost=["a"]), {"a", "b"}, Outcome.FAIL),
        (trial(Outcome.FAIL, lost=["a"], duplicates=1), {"a"}, Outcome.FAIL),
        (trial(Outcome.INVALID, lost=["a"]), {"a"}, Outcome.FAIL),
        (trial(Outcome.PASS), {"a"}, Outcome.FAIL),
        (trial(Outcome.PASS), set(), Outcome.INVALID),
    ],
    ids=["found", "another id", "one of two", "something else, too", "no FAIL", "missed", "nothing planted"],
)
def test_the_very_ids_have_to_be_named(audited: Trial, planted: set[str], outcome: Outcome) -> None:
    """The right number of wrong ids is a miss."""
    assert _named(audited, "lost", planted)[1] is outcome


@pytest.mark.parametrize(
    ("audited", "outcome"),
    [
        (trial(Outcome.FAIL, lost=["a"], never_logged=1, restarts=1), Outcome.PASS),
        (trial(Outcome.FAIL, lost=["a"], never_logged=0, restarts=1), Outcome.FAIL),
        (trial(Outcome.FAIL, lost=["c"], never_logged=1, restarts=1), Outcome.FAIL),
        (trial(Outcome.PASS, restarts=1), Outcome.FAIL),
        (trial(Outcome.FAIL, lost=["a"], never_logged=1), Outcome.INVALID),
    ],
    ids=["found", "of another kind", "not from the buffer", "missed", "no kill"],
)
def test_a_kill_loses_what_was_in_the_buffer_and_nothing_else(audited: Trial, outcome: Outcome) -> None:
    """Part of it is enough: the rest may have arrived."""
    assert _lost_by_kill(audited, {"a", "b"}, "never_logged")[1] is outcome


@pytest.mark.parametrize(
    ("audited", "outcome"),
    [
        (trial(Outcome.INVALID, restarts=1, unknown=40), Outcome.PASS),
        (trial(Outcome.FAIL, lost=["a"], restarts=1), Outcome.FAIL),
        (trial(Outcome.FAIL, pending=3, restarts=1), Outcome.FAIL),
        (trial(Outcome.PASS), Outcome.INVALID),
    ],
    ids=["unknown alone", "lost", "pending", "no kill"],
)
def test_an_honest_service_may_leave_unknowns_but_loses_nothing(audited: Trial, outcome: Outcome) -> None:
    """A kill that hit nothing proves nothing."""
    assert _nothing_lost(audited, "api")[1] is outcome


def test_one_miss_fails_the_whole_and_one_blank_leaves_it_open() -> None:
    """Nothing run, or an interruption, is no success either."""
    good, missed, blank = (
        ControlFinding(name="c", planted="", expected="", outcome=outcome)
        for outcome in (Outcome.PASS, Outcome.FAIL, Outcome.INVALID)
    )
    assert outcome_of([good, good], interrupted=False) is Outcome.PASS
    assert outcome_of([good, blank, missed], interrupted=False) is Outcome.FAIL
    assert outcome_of([good, blank], interrupted=False) is Outcome.INVALID
    assert outcome_of([good], interrupted=True) is Outcome.INVALID
    assert outcome_of([], interrupted=False) is Outcome.INVALID


def test_controls_run_in_the_catalogues_order() -> None:
    """The last one takes the primary keys away, whatever order it is asked for in."""
    assert [control.name for control in chosen(["store-twice", "alter"])] == ["alter", "store-twice"]
    assert chosen([]) == CATALOGUE
    with pytest.raises(BadOptions, match="unknown 'altered'"):
        chosen(["altered"])


def test_somebody_elses_servers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control drops primary keys and kills services."""
    refuse_foreign_servers()
    monkeypatch.setenv("SEAWALL_DATABASE_URL", "postgresql://somebody@db.example/live")
    with pytest.raises(BadOptions, match="SEAWALL_DATABASE_URL"):
        refuse_foreign_servers()

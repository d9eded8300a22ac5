"""How a fault is chosen, whom it hits, and what it tells."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from controls.faults import API_FAULTS, SINK_FAULTS, Choice, Deed, DeedLog, Fault, OneIn, UnknownFault, parse_fault


def test_a_fault_has_an_amount_of_its_own_or_the_usual_one() -> None:
    """A name alone takes the amount of the table."""
    assert parse_fault("drop", API_FAULTS) == Fault("drop", 1_000)
    assert parse_fault("delay 44.5\n", API_FAULTS) == Fault("delay", 44.5)


def test_a_fault_of_the_other_process_is_none_here() -> None:
    """One file serves the API and the sink."""
    assert parse_fault("store-twice 500", API_FAULTS).name == "none"
    assert parse_fault("drop", SINK_FAULTS).name == "none"


@pytest.mark.parametrize("text", ["dorp", "drop often", ""])
def test_a_fault_that_nobody_knows_is_refused(text: str) -> None:
    """A misspelt fault must not run as an honest service."""
    with pytest.raises(UnknownFault, match="SEAWALL_FAULT"):
        parse_fault(text, API_FAULTS)


def test_the_choice_follows_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may change, vanish and come back; without it nothing is planted."""
    file = tmp_path / "planted"
    monkeypatch.setenv("SEAWALL_FAULT_FILE", str(file))
    choice = Choice(API_FAULTS)
    assert choice.current().name == "none"
    file.write_text("alter 10\n")
    assert choice.current() == Fault("alter", 10)
    file.unlink()
    assert choice.current().name == "none"
    file.write_text("freeze\n")
    assert choice.current() == Fault("freeze", 500)


def test_the_environment_chooses_where_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand one variable is enough."""
    monkeypatch.delenv("SEAWALL_FAULT_FILE", raising=False)
    monkeypatch.setenv("SEAWALL_FAULT", "early-offsets")
    assert Choice(SINK_FAULTS).current().name == "early-offsets"


@pytest.mark.parametrize(("lot", "count", "picked"), [(1_000, 3_000, 3), (500, 3_000, 6), (20, 1_500, 75), (1, 7, 7)])
def test_one_in_so_many_is_picked_evenly(lot: int, count: int, picked: int) -> None:
    """Three thousand records are enough for three of one in a thousand: no chance has a part in it."""
    one_in = OneIn()
    assert sum(one_in.picks(lot) for _ in range(count)) == picked


def test_deeds_are_in_the_file_as_soon_as_they_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill may follow at once, so nothing waits in a buffer."""
    monkeypatch.setenv("SEAWALL_FAULT_LOG", str(tmp_path / "log"))
    DeedLog("api").add("drop", "dropped", "one", "two", at_ns=7)
    line = (tmp_path / "log" / "api.jsonl").read_bytes()
    assert msgspec.json.decode(line, type=Deed) == Deed("drop", "dropped", 7, ["one", "two"])

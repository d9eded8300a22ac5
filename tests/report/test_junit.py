"""`junit.xml`, as a build server reads it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from seawall.report.junit import write_junit
from seawall.report.stored import stored_result
from seawall.result import AuditCounts, Outcome
from seawall.stack.places import ROOT

REFERENCE = stored_result(ROOT / "results" / "reference" / "20261121-load-4000-per-s")


def cases(path: Path) -> dict[tuple[str, str], ET.Element]:
    """Return the test cases by path and name."""
    found = ET.parse(path).getroot().iter("testcase")  # noqa: S314 - written by us a moment ago
    return {
        ((case.get("classname") or "").rpartition(".")[2], (case.get("name") or "").partition(" (")[0]): case
        for case in found
    }


def test_each_target_of_each_path_is_a_case(tmp_path: Path) -> None:
    """What failed is a failure, what held has no mark, and the audit is a case of its own."""
    write_junit(REFERENCE, tmp_path / "junit.xml")
    found = cases(tmp_path / "junit.xml")
    assert len(found) == len(REFERENCE.targets) + len(REFERENCE.arms)
    assert found["sync", "writes answer in time"].find("failure") is not None
    assert found["grouped", "writes answer in time"].find("failure") is None
    assert found["kafka", "every record is accounted for"].find("failure") is None


def test_what_says_nothing_is_an_error_and_what_straddles_is_skipped(tmp_path: Path) -> None:
    """Neither is told as passed."""
    first, second, *rest = REFERENCE.targets
    changed = [
        msgspec.structs.replace(first, outcome=Outcome.INVALID, reason="<late> & so on"),
        msgspec.structs.replace(second, outcome=Outcome.INCONCLUSIVE),
        *rest,
    ]
    lossy = [
        msgspec.structs.replace(t, outcome=Outcome.FAIL, reasons=["3 lost"], audit=AuditCounts(lost=3))
        if t.arm == "kafka" else t for t in REFERENCE.trials
    ]  # fmt: skip
    write_junit(msgspec.structs.replace(REFERENCE, targets=changed, trials=lossy), tmp_path / "junit.xml")
    found = cases(tmp_path / "junit.xml")
    error = found[first.arm, first.name].find("error")
    assert error is not None
    assert error.get("message") == "<late> & so on"
    assert found[second.arm, second.name].find("skipped") is not None
    assert found["kafka", "every record is accounted for"].find("failure") is not None


@pytest.mark.parametrize("name", ["reviews", "csv", "live"])
def test_a_scenario_that_passed_has_no_mark(tmp_path: Path, name: str) -> None:
    """Its audit stands among its targets; and that who asks the database is late is an answer, and no failure."""
    result = stored_result(ROOT / "results" / "reference" / f"20261130-{name}")
    assert result.outcome is Outcome.PASS
    write_junit(result, tmp_path / "junit.xml")
    found = cases(tmp_path / "junit.xml")
    assert len(found) > 2
    assert [key for key, case in found.items() if any(child.tag in ("error", "failure") for child in case)] == []


def test_what_only_a_finding_says_and_what_never_ran_are_marked(tmp_path: Path) -> None:
    """A scenario that failed by none of its targets is red, and so is an arm of which there is nothing."""
    result = stored_result(ROOT / "results" / "reference" / "20261130-reviews")
    first, second, *rest = result.reviews
    failed = msgspec.structs.replace(first, outcome=Outcome.FAIL, reasons=["the log did not acknowledge 3"])
    write_junit(msgspec.structs.replace(result, reviews=[failed, *rest]), tmp_path / "junit.xml")
    found = cases(tmp_path / "junit.xml")
    failure = found[first.arm, "all of it came out as it should"].find("failure")
    assert failure is not None
    assert failure.get("message") == "the log did not acknowledge 3"
    assert found[second.arm, "every record is accounted for"].find("error") is not None
    assert found[rest[0].arm, "all of it came out as it should"].find("failure") is None

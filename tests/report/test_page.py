"""The page, as text: what stands in it, and what cannot break it."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from evil_results import evil

from contract.ids import Run
from seawall.audit.fates import NO_PARTITION, write_fates
from seawall.audit.ledger import NEVER
from seawall.load.recorder import ColumnRecorder
from seawall.report.experiment_names import PLAIN
from seawall.report.files import write_reports
from seawall.report.material import gather
from seawall.report.page.page import render
from seawall.report.stored import stored_result
from seawall.result import Arm, AuditCounts, Outcome, Quantiles, Result, Trial
from seawall.stack.places import ROOT

REFERENCE = stored_result(ROOT / "results" / "reference" / "20261121-load-4000-per-s")
SECOND = 10**9


class Tags(HTMLParser):
    """Collects tags, and whether each that was opened was closed."""

    VOID = frozenset({"meta", "link", "br", "line", "rect", "circle", "polyline", "polygon", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - as HTMLParser has it
        """Note the tag."""
        self.found.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag."""
        if tag not in self.VOID:
            assert self.open.pop() == tag


def tags(page: str) -> list[str]:
    """Return all tags of a page that is well formed."""
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    return parser.found


def test_a_result_without_raw_columns_still_has_a_page() -> None:
    """The answer first, then tables and those pictures that need no columns; what is missing is said."""
    page = render(REFERENCE, {})
    found = tags(page)
    assert "script" not in found
    assert page.index("No, not at this load") < page.index("<table") < page.index("<svg")
    assert "The raw columns of this run are not beside its result" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert not re.search("https?:", page)


def test_names_and_errors_cannot_break_out() -> None:
    """Whatever users put into names, reasons and ids stands there as text."""
    page = render(evil(REFERENCE), {})
    assert "script" not in tags(page)
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("trials", [[], [Trial(
    name="load-sync-0a", kind="load", arm="sync", block=0, entity="mixed", started_at="", users=5, duration_s=4.0,
    offered_per_s=10.0, achieved_per_s=0.0, schedule_start_ns=0, outcome=Outcome.INVALID,
    invalid_because=["no request was sent"],
)]], ids=["no trial", "no request"])  # fmt: skip
@pytest.mark.parametrize("experiment", ["compare", PLAIN])
def test_a_run_with_nothing_in_it_has_a_page(experiment: str, trials: list[Trial], tmp_path: Path) -> None:
    """In clear words, and with no broken picture."""
    result = Result(
        experiment=experiment, started_at="", finished_at="", seed=1, outcome=Outcome.INVALID, trials=trials,
        arms=[Arm(name="sync", path="sync", durability="fsync")],
    )  # fmt: skip
    write_reports(result, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    tags(page)
    assert "nan" not in page.lower()


def recorded(directory: Path, name: str, count: int, stretch: float = 1.0) -> Trial:
    """Record a trial of *count* requests over 6 s, the first a warm-up; rows come 20 ms after the answer."""
    ledger = directory / "raw" / f"{name}.parquet"
    recorder = ColumnRecorder(ledger, Run(1, 1), 1)
    rng = np.random.default_rng(3)
    service = rng.lognormal(0, 0.5, count) * 5e6 * stretch
    for number in range(count):
        intended = SECOND + number * 6 * SECOND // count
        answered = intended + int(service[number])
        recorder.add(number % 7, number // 7, 2, "/x", (intended, intended + 1_000, answered), 201)
    recorder.close()
    answered_ns = np.array([SECOND + n * 6 * SECOND // count + int(service[n]) for n in range(count)])
    write_fates(ledger, answered_ns + 20_000_000, np.full(count, NO_PARTITION, dtype=np.int16))
    return Trial(
        name=name, kind="load", arm="kafka", block=0, entity="users", started_at="", users=7, duration_s=5.0,
        warmup_s=1.0, schedule_start_ns=SECOND, offered_per_s=count / 6, achieved_per_s=count / 6,
        requests=count * 5 // 6,
        response_ms=Quantiles(p50=5.0, p95=11.0, p99=16.0, samples=count * 5 // 6),
        audit=AuditCounts(attempted=count, acknowledged=count, stored=count), cpu_s={"api": 1.0, "load": 2.0},
    )  # fmt: skip


def kafka_run(*trials: Trial) -> Result:
    """Return a result of one arm."""
    return Result(
        experiment="compare", started_at="", finished_at="", seed=1, outcome=Outcome.PASS, trials=list(trials),
        arms=[Arm(name="kafka", path="kafka", durability="1 broker, page cache")],
    )  # fmt: skip


def test_material_says_what_the_columns_hold(tmp_path: Path) -> None:
    """Rates, quantiles and backlog over time, the warm-up apart, and the distribution of judged requests alone."""
    trial = recorded(tmp_path, "load-kafka-0a", 6_000)
    found = gather(kafka_run(trial), tmp_path)["kafka"]
    (course,) = found.courses
    assert found.samples == 5_000
    assert found.response_ms is not None
    assert found.visible_ms is not None
    middle = len(found.response_ms) // 13  # the share of 1 - 10**(-4/13), about one half
    assert np.allclose(found.visible_ms - found.response_ms, 20.0, atol=0.01)
    assert 4 < found.response_ms[middle] < 6
    assert np.isclose(course.rate_per_s[4:-4].mean(), 1_000, rtol=0.05)
    assert np.isclose(np.median(course.backlog), 20, atol=6)  # 20 ms of a thousand a second
    assert (course.at_s < course.warmup_s).sum() == 4


def test_lookups_are_no_part_of_the_backlog(tmp_path: Path) -> None:
    """They leave no row that anybody could wait for: nine of ten requests, and 20 ms of a hundred a second wait."""
    ledger = tmp_path / "raw" / "load-kafka-0a.parquet"
    trial = recorded(tmp_path, "load-kafka-0a", 6_000)
    shutil.rmtree(ledger)
    recorder = ColumnRecorder(ledger, Run(1, 1), 1)
    visible_ns = np.full(6_000, NEVER)
    for number in range(6_000):
        at_ns = SECOND + number * 1_000_000
        entity = 2 if number % 10 == 0 else 0
        recorder.add(number % 7, number // 7, entity, "/x", (at_ns, at_ns, at_ns + 1_000_000), 201)
        if entity:
            visible_ns[number] = at_ns + 21_000_000
    recorder.close()
    write_fates(ledger, visible_ns, np.full(6_000, NO_PARTITION, dtype=np.int16))
    (course,) = gather(kafka_run(trial), tmp_path)["kafka"].courses
    assert np.isclose(np.median(course.backlog), 2, atol=1)


def test_a_trial_whose_audit_never_came_is_left_out(tmp_path: Path) -> None:
    """An interrupted run has ledgers without fates."""
    trial = recorded(tmp_path, "load-kafka-0a", 700)
    (tmp_path / "raw" / "load-kafka-0a.parquet" / "fates.parquet").unlink()
    assert gather(kafka_run(trial), tmp_path) == {}


def test_the_page_of_a_run_has_its_pictures_and_stays_small(tmp_path: Path) -> None:
    """Far below 2 MB, also with many trials."""
    trials = [recorded(tmp_path, f"load-kafka-{number}", 1_400, 1 + number / 9) for number in range(8)]
    write_reports(kafka_run(*trials), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    found = tags(page)
    assert found.count("figure") >= 6
    assert len(page) < 400_000
    assert not (tmp_path / "report.partial").exists()
    assert {"summary.csv", "junit.xml"} <= {path.name for path in tmp_path.iterdir()}

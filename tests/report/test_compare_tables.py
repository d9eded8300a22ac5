"""The tables and the CSV of a comparison, from a result made up for the purpose."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from seawall.report.compare_tables import comparison_tables
from seawall.report.summary_csv import COLUMNS, write_summary
from seawall.report.table_styles import TABLE_STYLES
from seawall.result import Arm, ArmComparison, AuditCounts, Outcome, Quantiles, Result, Trial, read_result, write_result

WHOLE = AuditCounts(attempted=100, acknowledged=100, stored=100)


def trial(
    arm: str, duration_s: float | None, *, kind: str = "data", audit: AuditCounts = WHOLE, **rest: object
) -> Trial:
    """Return a trial of 100 records."""
    figures: dict[str, object] = {
        "name": f"{kind}-{arm}",
        "kind": kind,
        "arm": arm,
        "block": 0,
        "entity": "users",
        "started_at": "2026-01-01T00:00:00.000+00:00",
        "users": 10,
        "count": 100 if kind == "data" else None,
        "duration_s": duration_s,
        "achieved_per_s": None if duration_s is None else audit.stored / duration_s,
        "requests": 100,
        "audit": audit,
        "cpu_s": {"api": 0.04, "postgres": 0.01, "load": 5.0},
        "response_ms": Quantiles(p50=1.0, p95=2.0, mean=1.25, samples=100),
        **rest,
    }
    return Trial(**figures)  # type: ignore[arg-type]


def result(*trials: Trial) -> Result:
    """Return a result with these trials and three arms."""
    arms = [
        Arm(name="sync", path="sync", durability="fsync"),
        Arm(name="grouped", path="grouped", durability="fsync"),
        Arm(name="kafka", path="kafka", durability="1 broker, page cache"),
    ]
    return Result(
        experiment="compare",
        started_at="a",
        finished_at="b",
        seed=1,
        outcome=Outcome.PASS,
        arms=arms,
        trials=list(trials),
    )


def text(found: Result, style: str = "rounded") -> str:
    """Return the tables as they are printed to a file."""
    console = Console(width=240, record=True, file=(Path("/dev/null").open("w")))  # noqa: SIM115
    for table in comparison_tables(found, style):
        console.print(table)
    return console.export_text()


def kafka_against(
    base: str, *, ratio: float, low: float | None, high: float | None, metric: str, says: str
) -> ArmComparison:
    """Return one comparison of the Kafka arm."""
    return ArmComparison(
        base=base, arm="kafka", metric=metric, kind="data", entity="users", count=100, ratio=ratio, ci_low=low,
        ci_high=high,
        significant=says in ("larger", "smaller"), says=says, trials=2 if low is None else 4,
    )  # fmt: skip


def compared(*comparisons: ArmComparison) -> str:
    """Return the printed tables of a result with these comparisons."""
    found = result(trial("sync", 2.0), trial("grouped", 0.5), trial("kafka", 1.0))
    return text(msgspec.structs.replace(found, comparisons=list(comparisons)))


def test_plus_means_better_with_kafka() -> None:
    """Half the time and twice the rate are gains, twice the time and half the rate losses, and the title says so."""
    shown = compared(
        kafka_against("sync", ratio=0.5, low=0.4, high=0.6, metric="duration_s", says="smaller"),
        kafka_against("sync", ratio=2.0, low=1.5, high=2.5, metric="achieved_per_s", says="larger"),
        kafka_against("grouped", ratio=2.0, low=1.8, high=2.2, metric="duration_s", says="larger"),
        kafka_against("grouped", ratio=0.5, low=0.45, high=0.55, metric="achieved_per_s", says="smaller"),
    )
    assert "+ means better with Kafka, - means worse" in shown
    row = next(line for line in shown.splitlines() if "+50 %" in line)
    cells = [cell.strip() for cell in row.split("│")[3:7]]
    assert cells == ["+50 % [+40, +60]", "+100 % [+50, +150]", "-100 % [-120, -80]", "-50 % [-55, -45]"]


def test_no_difference_is_said_in_words() -> None:
    """An interval that holds 1 is no gain and no loss."""
    assert "no difference shown" in compared(
        kafka_against("sync", ratio=0.9, low=0.7, high=1.2, metric="duration_s", says="no difference shown")
    )


def test_two_trials_have_no_interval_and_say_so() -> None:
    """A quick run shows the estimate and its doubt."""
    assert "+10 % (no interval: 2 trials)" in compared(
        kafka_against("sync", ratio=0.9, low=None, high=None, metric="duration_s", says="too few trials")
    )


def test_every_row_names_the_durability_of_its_arm() -> None:
    """No class stands beside another without its name."""
    shown = text(
        result(
            trial("sync", 1.0), trial("kafka", 1.0), trial("sync", 1.0, kind="load"), trial("kafka", 1.0, kind="load")
        )
    )
    assert shown.count("1 broker, page cache") == 2
    assert shown.count("fsync") == 2


def test_what_is_wrong_is_in_the_row() -> None:
    """Lost and pending records stand beside what was stored."""
    audit = AuditCounts(attempted=100, acknowledged=100, stored=90, lost=7, pending=3)
    shown = text(result(trial("kafka", 1.0, audit=audit, outcome=Outcome.FAIL)))
    assert "90 of 100 stored, 7 lost, 3 pending" in shown


def test_figures_that_do_not_exist_are_dashes() -> None:
    """A trial without a row has no duration, and nothing is divided by it."""
    shown = text(result(trial("sync", None, audit=AuditCounts(attempted=100)), trial("kafka", 1.0)))
    assert "0 of 100 stored" in shown
    assert "%" not in shown


def test_the_load_counts_no_cpu_for_itself() -> None:
    """Fifty milliseconds of servers for a hundred rows are half a second a thousand."""
    assert "0.500" in text(result(trial("sync", 1.0, kind="load")))


@pytest.mark.parametrize("style", TABLE_STYLES)
def test_every_style_can_be_printed(style: str) -> None:
    """Each look shows the same words."""
    assert "all 100 stored" in text(result(trial("sync", 1.0)), style)


def test_the_csv_begins_with_the_promised_columns(tmp_path: Path) -> None:
    """Eight columns, in their order, then the rest; one line a trial."""
    write_summary(result(trial("sync", 2.0), trial("kafka", 1.0)), tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0])[:8] == [
        "timestamp",
        "entity",
        "count",
        "kafka_status",
        "success",
        "failed",
        "duration",
        "tps",
    ]
    assert tuple(lines[0]) == COLUMNS
    assert [line["kafka_status"] for line in lines] == ["OFF", "ON"]
    assert [float(line["tps"]) for line in lines] == [50.0, 100.0]


def test_a_result_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """JSON and back changes nothing, and no half file is left."""
    before = result(trial("sync", 2.0), trial("kafka", None))
    write_result(before, tmp_path / "result.json")
    assert read_result(tmp_path / "result.json") == before
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_titles_name_what_is_not_as_usual() -> None:
    """Records of another length, their compressibility, skewed keys and Poisson arrivals stand in the titles."""
    options = {"arrival": "poisson", "record_bytes": 4000, "compressibility": 0.25, "key_skew": 1.5}
    found = result(trial("sync", 1.0), trial("sync", 1.0, kind="load"))
    shown = " ".join(text(msgspec.structs.replace(found, options=options)).split())
    assert shown.count("records of 4,000 bytes, compressibility 0.25, key skew 1.5") == 2
    assert shown.count("Poisson arrivals") == 1  # records sent as fast as they are answered have no schedule
    assert "Poisson" not in text(found)

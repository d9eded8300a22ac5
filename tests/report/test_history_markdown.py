"""A history in Markdown: whole tables, and names that stay text."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from evil_results import EVIL, evil
from varied_runs import BEGIN, REAL, varied_copy

from seawall.experiments.history import make_history
from seawall.experiments.history_figures import followed
from seawall.report.history_markdown import history_markdown
from seawall.report.result_files import find_results
from seawall.report.stored import result_in_file, stored_result
from seawall.result.history import History, SkippedFile
from seawall.stack.places import ROOT


def reference_history() -> History:
    """Return the history of the committed results."""
    found = find_results(ROOT / "results" / "reference")
    runs = [followed(result_in_file(path), path.parent.name) for path in found.files]
    return make_history(runs, "results/reference", skipped=found.skipped)


def tables_of(text: str) -> list[list[list[str]]]:
    """Return the cells of each table."""
    tables: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            tables[-1].append(line.replace("\\|", "").strip("|").split("|"))
        elif tables[-1]:
            tables.append([])
    return [table for table in tables if table]


def test_the_reference_results_have_a_history() -> None:
    """Ten thousand users, capacity and soak were run twice each and stand in series; all else stands alone."""
    text = history_markdown(reference_history())
    assert text.startswith("# Seawall: history of results/reference\n\n**Too few runs to tell.** ")
    for heading in ("capacity, kafka (1 broker, page cache)", "compare, kafka (1 broker, page cache)"):
        assert f"\n## {heading}\n" in text
    assert "## With one run only" in text
    assert "- README.md: no result of Seawall" in text


def test_tables_are_whole() -> None:
    """Every line of a table has as many cells as its head, and a blank line stands before and after it."""
    text = history_markdown(reference_history())
    tables = tables_of(text)
    assert len(tables) >= 5
    for table in tables:
        assert len({len(row) for row in table}) == 1
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("|") and not lines[number - 1].startswith("|"):
            assert lines[number - 1] == ""


def test_evil_names_stay_text() -> None:
    """No tag, no cell and no link comes out of a name."""
    bad = "a|b](http://x)<img src=x>"
    results = [evil(stored_result(REAL)) for _ in range(2)]
    runs = [
        followed(msgspec.structs.replace(result, started_at=(BEGIN + timedelta(days=day)).isoformat()), bad)
        for day, result in enumerate(results)
    ]
    text = history_markdown(make_history(runs, bad, skipped=[SkippedFile(path=bad, why=EVIL)]))
    assert "<" not in text.replace("\\<", "")
    assert "](" not in text.replace("\\](", "")
    for table in tables_of(text):
        assert len({len(row) for row in table}) == 1


@pytest.mark.parametrize("levels", [[1.0] * 12 + [1.5] * 6, [1.5] * 12 + [1.0] * 6])
def test_a_change_is_a_row(levels: list[float]) -> None:
    """With its time, its direction, and how many times as much."""
    real = stored_result(REAL)
    runs = [
        followed(varied_copy(real, BEGIN + timedelta(days=day), level), f"run-{day}")
        for day, level in enumerate(levels)
    ]
    text = history_markdown(make_history(runs, "results"))
    row = next(line for line in text.splitlines() if line.startswith("| 2026") and "| kafka | response p95" in line)
    assert "| 2026-09-19 02:00 |" in row
    slower = levels[-1] > levels[0]
    assert f"| {'worse, new' if slower else 'better'} |" in row
    assert f"| {'1.5' if slower else '0.667'} |" in row

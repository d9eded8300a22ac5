"""What figures suggest, on the console, in Markdown and on the page."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seawall.cli.ending import show
from seawall.report.advice_words import HEADING, advice_markdown, suggestions
from seawall.report.page.page import render
from seawall.report.stored import stored_result
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Advice, AdviceKind, Result, write_result
from seawall.stack.places import ROOT

SINK = Advice(
    kind=AdviceKind.SINK, arm="kafka", offered_per_s=4_000.0, says="The lag grew by 300.", advice="Start more sinks.",
    evidence={"lag_slope_per_s": 300.0},
)  # fmt: skip
STATEMENT = Advice(
    kind=AdviceKind.STATEMENT, arm="sync", says="A statement took 12.5 ms.", advice="An index leads to them.",
    details=["SELECT <b> FROM orders WHERE note = '[red]'", "Seq Scan on orders"],
)  # fmt: skip


def result(*advice: Advice) -> Result:
    """Return a stored run with this advice."""
    found = stored_result(ROOT / "results" / "reference" / "20261121-load-4000-per-s")
    return msgspec.structs.replace(found, advice=list(advice))


def test_each_names_path_load_and_kind() -> None:
    """A load only where there was one."""
    assert [one.about for one in suggestions(result(SINK, STATEMENT))] == [
        "kafka at 4,000/s, the sink is the limit",
        "sync, a statement reads a whole table",
    ]


def test_markdown_has_a_list_and_statements_as_code() -> None:
    """Signs within a block of code are none."""
    said = advice_markdown(result(SINK, STATEMENT))
    assert "- **kafka at 4,000/s, the sink is the limit**: The lag grew by 300. Start more sinks." in said
    assert "\n  ```\n  SELECT <b> FROM orders WHERE note = '[red]'\n  Seq Scan on orders\n  ```\n" in said
    assert said in summary_markdown(result(SINK, STATEMENT)) + "\n"


def test_a_statement_cannot_end_the_block_that_it_stands_in() -> None:
    """Another fence is taken."""
    broken = msgspec.structs.replace(STATEMENT, details=["SELECT '```', '<script>'"])
    assert "\n  ~~~~~~\n  SELECT" in advice_markdown(result(broken))


def test_the_page_has_a_section_with_plans_folded_away() -> None:
    """As text, whatever a statement holds."""
    page = render(result(SINK, STATEMENT), {})
    assert f"<h2>{HEADING}</h2>" in page
    assert "The lag grew by 300. Start more sinks." in page
    assert "SELECT &lt;b&gt; FROM orders" in page


@pytest.mark.parametrize("said", [summary_markdown, lambda found: render(found, {})], ids=["Markdown", "page"])
def test_nothing_is_said_where_nothing_is_suggested(said: object) -> None:
    """Not even a heading."""
    assert callable(said)
    assert HEADING not in said(result())


def test_the_console_shows_it_between_tables_and_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What brackets hold is no markup."""
    write_result(result(SINK, STATEMENT), tmp_path / "result.json")
    show(tmp_path, [], ["the verdict"], as_json=False)
    said = capsys.readouterr().out
    assert said.index(HEADING) < said.index("The lag grew by 300.") < said.index("[red]") < said.index("the verdict")
    write_result(result(), tmp_path / "result.json")
    show(tmp_path, [], ["the verdict"], as_json=False)
    assert capsys.readouterr().out == "the verdict\n"

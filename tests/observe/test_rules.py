"""The alert rules and the dashboards as files: what promtool says of them, and what metrics they name."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from seawall.observe.dashboards import DIRECTORY, document
from seawall.observe.panels import DASHBOARDS, Dashboard
from seawall.stack.places import ROOT
from seawall.stack.prometheus import RULES

TESTS = RULES.with_name("rules.test.yaml")
DOCUMENTED = set(re.findall(r"`((?:seawall|kafka)_\w+)`", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")))
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (of Prometheus) is not installed"
)


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)


def alerts() -> list[str]:
    """Return the names of all alerts."""
    return re.findall(r"^ +- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)


@needs_promtool
def test_each_alert_fires_on_what_it_is_there_for_and_none_on_a_service_that_is_well() -> None:
    """By promtool, with series of numbers; every alert has a test of its own, and one in which it is silent."""
    done = promtool("test", "rules", TESTS)
    assert done.returncode == 0, done.stdout + done.stderr
    text = TESTS.read_text(encoding="utf-8")
    assert len(alerts()) == len(set(alerts())) > 20
    for name in alerts():
        assert f"  - name: {name}\n" in text
        assert f"alertname: {name}, exp_alerts: []" in text


@needs_promtool
@pytest.mark.long
def test_an_alert_that_was_broken_on_purpose_is_found(tmp_path: Path) -> None:
    """One that no longer fires, and one that is no query any more."""
    rules, tests = tmp_path / RULES.name, tmp_path / TESTS.name
    whole = RULES.read_text(encoding="utf-8")
    rules.write_text(whole.replace("seawall_refused_total", "seawall_refused"), encoding="utf-8")
    head, *groups = TESTS.read_text(encoding="utf-8").split("  - name: ")
    (own,) = [group for group in groups if group.startswith("SeawallRefuses\n")]
    tests.write_text(f"{head}  - name: {own}", encoding="utf-8")
    done = promtool("test", "rules", tests)
    assert done.returncode == 1
    assert "alertname: SeawallRefuses" in done.stdout + done.stderr
    rules.write_text(whole.replace("absent(seawall_requests_total)", "absent("), encoding="utf-8")
    assert promtool("check", "rules", rules).returncode != 0


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_a_dashboard_is_what_its_panels_make(dashboard: Dashboard) -> None:
    """The file is written by `python -m seawall.observe.dashboards`."""
    text = (DIRECTORY / f"{dashboard.name}.json").read_text(encoding="utf-8")
    assert text == document(dashboard)
    page = json.loads(text)
    assert len({panel["id"] for panel in page["panels"]}) == len(dashboard.panels)


def test_every_metric_that_a_panel_or_a_rule_names_is_documented() -> None:
    """So one that disappears, or gets another name, does not leave a panel empty unnoticed."""
    texts = [RULES.read_text(encoding="utf-8"), *(document(one) for one in DASHBOARDS)]
    named = {name for text in texts for name in re.findall(r"\b(?:seawall|kafka)_\w+", text)}
    plain = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
    assert plain
    assert plain <= DOCUMENTED

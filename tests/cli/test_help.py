"""What `--help` of every verb tells: enough to use it without a look into the documents."""

from __future__ import annotations

import re
from typing import Any

import pytest

from seawall.cli.app import SCENARIOS, VERBS, verb_command
from seawall.cli.help_sections import ENVIRONMENT, FILES

EXPERIMENTS = (
    *("compare", "attain", "capacity", "scale", "soak", "fault", "controls"),
    *(
        "stream cache",
        "stream ingest",
        "stream analytics",
        "stream fanout",
        "stream live",
        "stream csv",
        "stream reviews",
    ),
)
COMMANDS = (*VERBS, *(f"{verb} {name}" for verb, names in SCENARIOS.items() for name in names))
"""The verbs, and the scenarios of those that have some."""
_QUANTITIES = {
    "rate": "second", "start": "second", "least": "second", "most": "second", "rate_each": "second",
    "record_bytes": "bytes", "api_port": "port",
}  # fmt: skip
"""Options whose numbers have a unit, and the word that says it."""


def sections_of(verb: str) -> dict[str, str]:
    """Return the parts that stand below a verb's options, by the word with which each begins."""
    text = verb_command(verb).examples
    parts = re.split(r"\n\n(?=(?:Exit codes|Values|Files|Environment): )", text)
    return {part.partition(":")[0]: part for part in parts[1:]} | {"Examples": parts[0]}


@pytest.mark.parametrize("verb", COMMANDS)
def test_it_has_every_section(verb: str) -> None:
    """Examples, exit codes from 0 on with 2 for wrong usage, files, and variables."""
    sections = sections_of(verb)
    assert {"Examples", "Exit codes", "Files", "Environment"} <= sections.keys()
    assert f"bin/seawall {verb}" in sections["Examples"]
    assert re.match(r"Exit codes: 0 ", sections["Exit codes"])
    assert re.search(r"[ ,]2 ", sections["Exit codes"]) or verb == "status"
    assert "SEAWALL_DEBUG" in sections["Environment"]


@pytest.mark.parametrize("verb", EXPERIMENTS)
def test_an_experiment_says_where_its_results_go_and_what_ctrl_c_does(verb: str) -> None:
    """And which variables put servers of one's own in the place of ours."""
    sections = sections_of(verb)
    assert f"results/<UTC time>-{verb.replace(' ', '-')}/" in sections["Files"]
    assert "130 interrupted" in " ".join(sections["Exit codes"].split())
    assert "SEAWALL_DATABASE_URL" in sections["Environment"]


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_option_is_explained(verb: str) -> None:
    """In a sentence, with its unit where it is a number of something, and its default where it has one."""
    metavars = set()
    for parameter in verb_command(verb).params:
        says = (getattr(parameter, "help", None) or "").partition("\\[default")[0].strip()
        assert says.endswith("."), f"{verb} {parameter.name}: {says!r}"
        assert _default_is_told(parameter), f"{verb} {parameter.name} does not tell its default"
        if parameter.name in _QUANTITIES:
            assert _QUANTITIES[parameter.name] in says.lower(), f"{verb} {parameter.name} has no unit"
        metavars.add(getattr(parameter, "metavar", None))
    if metavars & {"TIME", "LIST", "SHARE"}:
        assert "Values" in sections_of(verb)


def _default_is_told(parameter: Any) -> bool:
    """Tell whether the help shows the default, in whichever way, or there is none to be shown."""
    shown = getattr(parameter, "show_default", True)
    return bool(shown) or "default:" in (parameter.help or "") or not parameter.default or parameter.required


def test_sections_are_of_verbs_that_exist() -> None:
    """None was left behind by one that was renamed."""
    assert FILES.keys() | ENVIRONMENT.keys() <= set(COMMANDS)


def test_lines_fit_a_screen() -> None:
    """None of what stands below the options is longer than 120 letters."""
    for verb in COMMANDS:
        assert [line for text in sections_of(verb).values() for line in text.splitlines() if len(line) > 120] == []

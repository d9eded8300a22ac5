"""What README and docs say to type, name and link to is there."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from pages import Command, commands, headings, links, pages

from api.settings import Settings as ApiSettings
from contract.connections import Connections
from seawall.cli.app import SCENARIOS, VERBS, main
from seawall.report.summary_csv import COLUMNS
from seawall.stack.places import ROOT
from seawall.stack.spark import INSTALL
from seawall.stack.stack import Stack
from workers.cache_loader.settings import Settings as LoaderSettings
from workers.feed.settings import Settings as FeedSettings
from workers.grade_updater.settings import Settings as GradeSettings
from workers.groups.settings import Settings as GroupSettings
from workers.order_producer.settings import Settings as ProducerSettings
from workers.review_model.settings import Settings as ModelSettings
from workers.reviews.settings import Settings as ReviewsSettings
from workers.sink.settings import Settings as SinkSettings
from workers.spark_job.settings import Settings as SparkSettings

README = (ROOT / "README.md").read_text(encoding="utf-8")
LOAD_OPTIONS = "".join(
    (ROOT / "seawall" / "load" / name).read_text(encoding="utf-8") for name in ("options.py", "shape_options.py")
)
BIN = Path(sys.executable).parent
LOCUST = ".venv/bin/locust"
FOLLOWED = "docs/adding-an-entity.md"  # has a test of its own, which runs all of it
ENGINES = {"docker", "kubectl", "deploy/compose/prepare", "deploy/kubernetes/prepare"}  # tests/deploy looks at them
EXTRA = tuple(INSTALL.split())
KNOWN_PROGRAMS = {"bin/seawall", "bin/test", LOCUST, ".venv/bin/ruff", "uv", *ENGINES}

SEAWALL_LINES = [command for command in commands() if command.words[0] == "bin/seawall"]
LOCUST_LINES = [command for command in commands() if command.words[0] == LOCUST]
HEADLESS_LINES = [
    line
    for line in LOCUST_LINES
    if "--headless" in line.words and not {"--master", "--host", "--trace-share"} & set(line.words)
]  # tests/elsewhere runs the example that needs a service of somebody else, tests/observe traces


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program of the documentation from *cwd*, to its end."""
    return subprocess.run(
        words,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@cache
def help_of(*words: str) -> str:
    """Return what a command says with `--help`."""
    done = run(*words, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def options_of(*words: str) -> frozenset[str]:
    """Return the options that a command's help lists."""
    return _options(help_of(*words))


@cache
def options_of_verb(*verb: str) -> frozenset[str]:
    """Return the same for a verb of ours, or a scenario of it, without a process for each."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        assert main([*verb, "--help"]) == 0
    return _options(said.getvalue())


def _options(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", text))


def options_in(words: tuple[str, ...]) -> set[str]:
    """Return the options among *words*, without their values."""
    return {word.partition("=")[0] for word in words if word.startswith("-")}


def test_every_verb_is_in_the_readme_and_in_the_help() -> None:
    """No verb is undocumented."""
    listed = help_of(str(ROOT / "bin" / "seawall"))
    for verb in VERBS:
        assert f"bin/seawall {verb}" in README
        assert re.search(rf"\b{verb}\b", listed)


def test_the_pages_call_programs_that_we_know() -> None:
    """A command of a program that nobody checks would be found here."""
    for command in commands():
        assert command.words[0] in KNOWN_PROGRAMS or command.page == FOLLOWED or command.words == EXTRA, command
    assert EXTRA in {command.words for command in commands()}, "what `stream spark` says to do is on a page"
    assert (ROOT / EXTRA[-1]).is_file()


@pytest.mark.parametrize("command", SEAWALL_LINES, ids=str)
def test_verbs_and_options_exist(command: Command) -> None:
    """Each line of `bin/seawall` names a verb, or a scenario of one, and options of that."""
    _, *verb = command.words
    if verb:
        assert verb[0] in VERBS
        scenario = verb[1:2] if verb[0] in SCENARIOS else ()
        assert options_in(command.words) <= options_of_verb(verb[0], *scenario)


@pytest.mark.parametrize("command", LOCUST_LINES, ids=str)
def test_locust_options_and_user_classes_exist(command: Command) -> None:
    """Each line of Locust names options that it has with our file, and classes of that file."""
    _, _, files, *rest = command.words
    file, *others = files.split(",")
    assert all((ROOT / name).is_file() for name in (file, *others))
    # Locust prints its help before it reads the file, so our own options are not in it
    ours = set(re.findall(r'"(--[a-z-]+)"', LOAD_OPTIONS))
    assert options_in(command.words) <= options_of(str(BIN / "locust")) | ours
    classes = [word for word in rest if re.fullmatch(r"[A-Z]\w+", word)]
    assert all(f"class {name}(" in (ROOT / file).read_text(encoding="utf-8") for name in classes)


@pytest.mark.parametrize("command", HEADLESS_LINES, ids=str)
@pytest.mark.long
def test_headless_locust_lines_run(stack: Stack, tmp_path: Path, command: Command) -> None:
    """Run as they stand, only for a shorter time and with fewer users: no request fails, and there is a verdict."""
    stack.fresh()
    words = list(command.words)
    words[0], words[2] = str(BIN / "locust"), ",".join(str(ROOT / name) for name in words[2].split(","))
    if "/shapes/" in words[2]:
        words += ["--stage-time", "1s", "--peak-rate", "40", "--shape-users", "4"]
    else:
        words[words.index("-t") + 1], words[words.index("-u") + 1] = "2s", "20"
    done = run(*words, cwd=tmp_path)
    assert done.returncode in (0, 3, 4), done.stderr  # so short a run can be too short to tell
    prefix = words[words.index("--csv") + 1]
    assert (tmp_path / f"{prefix}_report.html").exists()
    with (tmp_path / f"{prefix}_stats.csv").open() as file:
        total = {line["Name"]: line for line in csv.DictReader(file)}["Aggregated"]
    assert int(total["Request Count"]) > 0
    assert int(total["Failure Count"]) == 0


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("verb", ["status", "doctor"])
def test_short_verbs_run(verb: str) -> None:
    """Beside a stack that is up, both say that all is well."""
    done = run(str(ROOT / "bin" / "seawall"), verb)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files exist, and so do the headings that a link names."""
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in headings(target), f"{page.name} links to {link}"


def test_connections_are_in_the_readme_under_both_names() -> None:
    """Every address and key that is read can be found there."""
    for name in Connections.model_fields:
        assert f"| `SEAWALL_{name.upper()}` | `{name.upper()}` |" in README


FLEET = (LoaderSettings, GradeSettings, ProducerSettings)
"""Of the workers of `stream cache`, told in docs/scenarios.md."""
REVIEWS = (ReviewsSettings, ModelSettings)
"""Of those of `stream reviews`, told in docs/architecture.md."""
SPARK = (SparkSettings,)
"""Of those of `stream spark`, told there, too."""


def test_variables_that_the_code_reads_are_in_the_readme_and_no_others() -> None:
    """Variables of the command and the stack are named there; those of services by their fields."""
    sources = [*(ROOT / "bin").iterdir(), *(ROOT / "seawall").rglob("*.py"), *(ROOT / "controls").rglob("*.py")]
    name = re.compile(r"SEAWALL_[A-Z]+(?:_[A-Z]+)*(?!_?\*|_?[A-Z{_])")
    read = {found for path in sources if path.is_file() for found in name.findall(path.read_text(encoding="utf-8"))}
    fields = {
        f"SEAWALL_{field.upper()}"
        for settings in (Connections, ApiSettings, SinkSettings, FeedSettings, GroupSettings, *FLEET, *REVIEWS, *SPARK)
        for field in settings.model_fields
    }
    named = set(name.findall(README))
    assert read - fields <= named
    assert named <= read | fields


def test_the_first_columns_are_those_of_the_file() -> None:
    """The README names the eight columns that stay as they are."""
    assert f"`{','.join(COLUMNS[:8])}`" in README


def test_every_direct_dependency_has_its_reason() -> None:
    """`docs/dependencies.md` names each package of `pyproject.toml`, and no command there names an index."""
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.findall(
        r'^    "([A-Za-z0-9-]+)(?:\[\w+\])?(?:>=[^"]*)?"', project.partition("[tool.")[0], re.MULTILINE
    )
    assert len(declared) > 25
    for package in declared:
        assert f"`{package}`" in page, package
    assert "--index" not in page


def test_the_licence_is_the_declared_one() -> None:
    """Apache-2.0, whole."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text

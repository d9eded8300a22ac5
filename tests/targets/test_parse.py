"""Targets files."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.targets.errors import BadTargets
from seawall.targets.metrics import METRICS, Scope
from seawall.targets.parse import parse_targets
from seawall.targets.target import Targets, TargetSet

SHIPPED = Path(__file__).parents[2] / "targets.toml"


def mistakes(text: str) -> list[tuple[int, int, str]]:
    """Return what is wrong with *text*."""
    with pytest.raises(BadTargets) as caught:
        parse_targets(text, "mine.toml")
    return [(line, column, said) for line, column, said in caught.value.mistakes]


def test_the_shipped_targets_are_those_of_the_design() -> None:
    """The file in the repository holds both sets with the limits that were agreed on."""
    targets = parse_targets(SHIPPED.read_text(), "targets.toml").targets
    assert [(t.set.value, t.metric.name, t.scope.value, str(t.limit)) for t in targets] == [
        ("always", "response_p95_ms", "write", "< 200 ms"),
        ("always", "response_p95_ms", "cached lookup", "< 200 ms"),
        ("always", "response_p95_ms", "uncached lookup", "< 200 ms"),
        ("always", "response_p95_ms", "analytics", "< 800 ms"),
        ("always", "visible_p95_ms", "write", "< 1000 ms"),
        ("always", "error_ratio", "all", "<= 0.1 %"),
        ("always", "lost", "write", "= 0"),
        ("attain", "users", "all", ">= 10000"),
        ("attain", "writes_per_s", "write", ">= 10000 /s"),
        ("attain", "availability", "all", ">= 99.9 %"),
    ]


@pytest.mark.parametrize(
    ("scopes", "attain", "names"),
    [
        ((), False, ["few requests fail"]),
        ((Scope.ANALYTICS,), False, ["analytics answer in time", "few requests fail"]),
        (
            (Scope.WRITE,),
            False,
            ["writes answer in time", "records are visible in time", "few requests fail", "nothing is lost"],
        ),
        ((Scope.ANALYTICS,), True, ["analytics answer in time", "few requests fail", "enough users", "available"]),
    ],
)
def test_targets_are_meant_for_loads_that_have_such_requests(
    scopes: tuple[Scope, ...], *, attain: bool, names: list[str]
) -> None:
    """A load without analytics is not judged by them, and only a load that was to attain something by that."""
    targets = parse_targets(SHIPPED.read_text(), "targets.toml")
    assert [target.name for target in targets.meant_for(scopes, attain=attain)] == names


def test_a_scope_may_be_left_out() -> None:
    """The metric's first scope holds: all requests, or writes where it is about records."""
    text = '[[always]]\nname="a"\nmetric="error_ratio"\nlimit="< 1 %"\n[[always]]\nname="b"\nmetric="lost"\nlimit="= 0"'
    assert [target.scope for target in parse_targets(text, "x").targets] == [Scope.ALL, Scope.WRITE]


GOOD = 'name = "a"\nmetric = "response_p95_ms"\nlimit = "< 200"\n'
ONE = f"[[always]]\n{GOOD}"


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        pytest.param("", 1, 1, "holds no target", id="an empty file"),
        pytest.param("# nothing\n\n", 1, 1, "holds no target", id="a file of comments"),
        pytest.param("always = []\n", 1, 1, "holds no target", id="an empty list"),
        pytest.param("[[always]\n", 1, 9, "is not TOML", id="a header that does not end"),
        pytest.param("\n\n  limit = <\n", 3, 11, "is not TOML: Invalid value", id="a value that is none"),
        pytest.param('a = "b', 1, 7, "file ends here", id="a string that does not end"),
        pytest.param("\r\n\r\na = \r\n", 3, 5, "is not TOML", id="a mistake after Windows line ends"),
        pytest.param(f"a = {'9' * 5000}", 1, 1, "is not TOML", id="a number of thousands of digits"),
        pytest.param(f"a = {'[' * 5000}", 1, 1, "nests too deeply", id="thousands of brackets"),
        pytest.param("\n[[alway]]\n" + GOOD, 2, 1, 'unknown set of targets "alway"; did you', id="a set that is none"),
        pytest.param("x = 1\n", 1, 1, 'sets of targets are "always" and "attain"', id="a key outside of any table"),
        pytest.param("\n[attain]\n" + GOOD, 2, 1, 'write "[[attain]]"', id="one bracket instead of two"),
        pytest.param('attain = "much"', 1, 10, "attain is no list", id="text for a set"),
        pytest.param(
            'always = [\n  "fast"]',
            2,
            3,
            "a target is a table with name, metric and limit, not text",
            id="text for a target",
        ),
        pytest.param(ONE + "op = 3", 5, 1, 'unknown key "op"; a target has', id="an unknown key"),
        pytest.param(f"{ONE} op = 3".replace("\n", "\r\n"), 5, 2, 'unknown key "op"', id="Windows line ends"),
        pytest.param(ONE + "  scop = 3", 5, 3, 'did you mean "scope"', id="a key almost right"),
        pytest.param(ONE + "[always.more]", 5, 1, 'unknown key "more"', id="a table in a target"),
        pytest.param(ONE + "a.b.c = 1", 5, 1, 'unknown key "a"', id="a dotted key"),
        pytest.param(ONE + '"li mit" = 1', 5, 1, 'did you mean "limit"', id="a quoted key"),
        pytest.param("\n [[always]]\nname = 'a'\nlimit = '< 1'", 2, 2, "has no metric", id="no metric"),
        pytest.param("[[always]]\nmetric = 'lost'\nlimit = '= 0'", 1, 1, "has no name", id="no name"),
        pytest.param("[[always]]\nmetric = 'lost'\nname = 'x'", 1, 1, "has no limit", id="no limit"),
        pytest.param("always = [{},\n" + "{metric='lost', limit='= 0'}]", 2, 1, "has no name", id="an inline table"),
        pytest.param(ONE.replace('"a"', "7"), 2, 8, "not a number", id="a name of digits"),
        pytest.param(ONE.replace('"a"', "' '"), 2, 8, "printable", id="a blank name"),
        pytest.param(ONE.replace('"a"', '"""\na\nb"""'), 2, 8, "a line", id="a long name"),
        pytest.param(ONE.replace("p95", "p59"), 3, 10, "did you mean", id="a wrong metric"),
        pytest.param(ONE.replace("response_p95_ms", "joy"), 3, 10, "known are resp", id="no metric's"),
        pytest.param(ONE + 'scope = "writes"', 5, 9, 'mean "write"', id="a scope almost right"),
        pytest.param(ONE + "scope = 'x'", 5, 9, 'known are "write", "cached', id="an unknown scope"),
        pytest.param(ONE + "scope = 1979-05-27", 5, 9, "not a date", id="a date for a scope"),
        pytest.param(
            "[[always]]\nname = 'x'\nmetric = 'lost'\nlimit = '= 0'\nscope = 'analytics'",
            5,
            9,
            'lost has no scope "analytics", only "write"',
            id="a scope that the metric does not have",
        ),
        pytest.param(ONE.replace('"< 200"', "200"), 4, 9, "without an operator", id="a bare number"),
        pytest.param(ONE.replace('"< 200"', "true"), 4, 9, "not a truth value", id="true"),
        pytest.param(ONE.replace('"< 200"', "['<', 2]"), 4, 9, "not a list", id="a list for a limit"),
        pytest.param(ONE.replace("<", ">"), 4, 9, "lower is better", id="the wrong direction"),
        pytest.param(ONE.replace("<", "<  # it"), 4, 9, "is no limit", id="a comment in a string"),
        pytest.param(
            ONE + "[[attain]]\n" + GOOD.replace('"a"', '"A "'),
            6,
            8,
            "in line 2 already",
            id="twice a name",
        ),
        pytest.param(
            ONE + ONE.replace('"a"', '"b"').replace("200", "300"),
            7,
            10,
            'response_p95_ms of "all" has a limit in line 4 already',
            id="twice a metric",
        ),
    ],
)
def test_says_what_is_wrong_and_where(text: str, line: int, column: int, said: str) -> None:
    """Each mistake is told with the line and column where it stands, and how to mend it."""
    assert any((at_line, at_column) == (line, column) and said in told for at_line, at_column, told in mistakes(text))


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    """A file with many mistakes is mended in one go; messages can be clicked on."""
    text = """
[[always]]
nme = "a"                        # no name, and
metric = "response_p95"
limit = "> 200"

[[attain]]
name = "lost"
metric = "lost"
limit = "< 0"
scope = "everything"
"""
    with pytest.raises(BadTargets) as caught:
        parse_targets(text, "mine.toml")
    first, *others = str(caught.value).splitlines()
    assert first == "mine.toml has 5 mistakes; docs/targets.md describes the format"
    places = ["2:1", "3:1", "4:10", "10:9", "11:9"]
    assert [line.split(": ")[0].strip() for line in others] == [f"mine.toml:{place}" for place in places]


def test_one_metric_may_be_limited_in_both_sets() -> None:
    """What a run is to attain may be stricter than what always holds."""
    text = ONE + "[[attain]]\n" + GOOD.replace("200", "100").replace('"a"', '"b"')
    assert [target.set for target in parse_targets(text, "x").targets] == [TargetSet.ALWAYS, TargetSet.ATTAIN]


def test_reads_what_windows_editors_write() -> None:
    """A byte order mark and line ends of two characters change nothing."""
    text = SHIPPED.read_text()
    assert parse_targets("\ufeff" + text.replace("\n", "\r\n"), "x") == parse_targets(text, "x")


_MARKS = [
    "[[",
    "]]",
    "[",
    "]",
    "{",
    "}",
    "=",
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "#",
    ".",
    ",",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\x00",
]
_WORDS = ["always", "attain", "name", "metric", "scope", "limit", "write", "< 200", "= 0", "true", "1979-05-27", "é"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(_MARKS + _WORDS + list(METRICS)), max_size=40).map("".join)))
def test_any_text_gives_targets_or_its_mistakes(text: str) -> None:
    """No text ends in another error, and each mistake stands in the text."""
    try:
        found = parse_targets(text, "mine.toml")
    except BadTargets as bad:
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        for line, column, _ in bad.mistakes:
            assert 1 <= column <= len(lines[line - 1]) + 1
    else:
        assert found.targets


_VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-5, 500), st.sampled_from(["lost", "write", "< 200", "= 0", "", "\n"])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)),
    max_leaves=4,
)
_ENTRIES = st.dictionaries(st.sampled_from(["name", "metric", "scope", "limit", "more"]), _VALUES, max_size=5)


def as_toml(value: object) -> str:
    """Write *value* in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"'.replace("\n", "\\n") if isinstance(value, str) else str(value)


@given(st.lists(_ENTRIES, max_size=4))
def test_any_table_gives_targets_or_its_mistakes(entries: list[dict[str, object]]) -> None:
    """Values of any type in any place are mistakes, and each is in a line of its table."""
    text = "".join(
        "[[always]]\n" + "".join(f"{key} = {as_toml(value)}\n" for key, value in entry.items()) for entry in entries
    )
    assert tomllib.loads(text).get("always", []) == entries
    try:
        found = parse_targets(text, "mine.toml")
    except BadTargets:
        return
    assert isinstance(found, Targets)
    assert len(found.targets) == len(entries)

"""From the text of a targets file to targets, or to everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from seawall.targets.document import Document, Path, Position, read_document
from seawall.targets.errors import BadLimit, BadTargets, Mistake
from seawall.targets.limit import Limit, limit_of, read_limit
from seawall.targets.metrics import METRICS, Metric, Scope
from seawall.targets.target import Target, Targets, TargetSet

_FIELDS = ("name", "metric", "scope", "limit")
_LONGEST_NAME = 100


def parse_targets(text: str, source_name: str) -> Targets:
    """Return the targets that *text* holds; *source_name* stands before line and column in messages.

    Raises `BadTargets` with all mistakes at once; only text that is no TOML hides further ones.
    """
    return _Validation(read_document(text, source_name)).targets()


@dataclass
class _Validation:
    """One pass over a document that goes on after each mistake."""

    document: Document
    mistakes: list[Mistake] = field(default_factory=list)
    names: dict[str, Path] = field(default_factory=dict)
    """The first target of each name."""
    limited: dict[tuple[TargetSet, str, Scope], Path] = field(default_factory=dict)
    """The first target that limits a metric of a scope."""

    def targets(self) -> Targets:
        """Return the targets, or raise `BadTargets`."""
        found = [target for one_set in self._tables() for target in self._targets_of(*one_set)]
        if not found and not self.mistakes:
            self._complain(Position(1, 1), 'holds no target: write "[[always]]" and below it name, metric and limit')
        if self.mistakes:
            raise BadTargets(self.document.source_name, self.mistakes)
        return Targets(source_name=self.document.source_name, targets=tuple(found))

    def _tables(self) -> Iterable[tuple[TargetSet, list[Any]]]:
        known = [one_set.value for one_set in TargetSet]
        for key, value in self.document.data.items():
            if key not in known:
                hint = _nearest(key, known) or 'the sets of targets are "always" and "attain"'
                self._complain(self.document.key((key,)), f"unknown set of targets {_quoted(key)}; {hint}")
            elif isinstance(value, dict):
                self._complain(self.document.value((key,)), f'{key} is one table; write "[[{key}]]" above each target')
            elif not isinstance(value, list):
                self._complain(
                    self.document.value((key,)), f'{key} is no list of targets; write "[[{key}]]" above each'
                )
            else:
                yield TargetSet(key), value

    def _targets_of(self, one_set: TargetSet, entries: list[Any]) -> Iterable[Target]:
        for index, entry in enumerate(entries):
            path = (one_set.value, index)
            if isinstance(entry, dict):
                target = self._target(one_set, path, entry)
                if target is not None:
                    yield target
            else:
                self._complain(
                    self.document.value(path), f"a target is a table with name, metric and limit, {_not(entry)}"
                )

    def _target(self, one_set: TargetSet, path: Path, entry: dict[str, Any]) -> Target | None:
        for key in entry:
            if key not in _FIELDS:
                hint = _nearest(key, _FIELDS) or f"a target has {', '.join(_FIELDS[:-1])} and {_FIELDS[-1]}"
                self._complain(self.document.key((*path, key)), f"unknown key {_quoted(key)}; {hint}")
        name = self._name(path, entry)
        metric = self._metric(path, entry)
        scope = self._scope(path, entry, metric)
        limit = self._limit(path, entry, metric)
        if metric is not None and scope is not None:
            self._check_first_limit(one_set, path, metric, scope)
        if name is None or metric is None or scope is None or limit is None:
            return None
        return Target(set=one_set, name=name, metric=metric, scope=scope, limit=limit)

    def _name(self, path: Path, entry: dict[str, Any]) -> str | None:
        place = self.document.value((*path, "name"))
        written = self._text(path, entry, "name")
        if written is None:
            return None
        name = written.strip()
        if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
            self._complain(place, f"name is to be a line of 1 to {_LONGEST_NAME} printable characters")
            return None
        first = self.names.setdefault(name.casefold(), path)
        if first != path:
            line = self.document.value((*first, "name")).line
            self._complain(place, f"a target named {_quoted(name)} stands in line {line} already")
            return None
        return name

    def _metric(self, path: Path, entry: dict[str, Any]) -> Metric | None:
        written = self._text(path, entry, "metric")
        if written is None or written in METRICS:
            return METRICS[written] if written is not None else None
        hint = _nearest(written, METRICS) or f"known are {', '.join(METRICS)}"
        self._complain(self.document.value((*path, "metric")), f"unknown metric {_quoted(written)}; {hint}")
        return None

    def _scope(self, path: Path, entry: dict[str, Any], metric: Metric | None) -> Scope | None:
        if "scope" not in entry:
            return metric.scopes[0] if metric is not None else None
        written = self._text(path, entry, "scope")
        if written is None:
            return None
        place = self.document.value((*path, "scope"))
        known = [scope.value for scope in Scope]
        if written not in known:
            hint = _nearest(written, known) or f"known are {', '.join(map(_quoted, known))}"
            self._complain(place, f"unknown scope {_quoted(written)}; {hint}")
            return None
        scope = Scope(written)
        if metric is not None and scope not in metric.scopes:
            only = ", ".join(_quoted(known) for known in metric.scopes)
            self._complain(place, f"{metric.name} has no scope {_quoted(written)}, only {only}")
            return None
        return scope

    def _limit(self, path: Path, entry: dict[str, Any], metric: Metric | None) -> Limit | None:
        place = self.document.value((*path, "limit"))
        written = entry.get("limit")
        if isinstance(written, int | float) and not isinstance(written, bool):
            self._complain(place, 'limit is a number without an operator; write text such as "< 200"')
            return None
        written = self._text(path, entry, "limit")
        if written is None:
            return None
        try:
            read = read_limit(written)
            return limit_of(metric, read) if metric is not None else None
        except BadLimit as bad:
            self._complain(place, f"{_quoted(written)} {bad}")
            return None

    def _check_first_limit(self, one_set: TargetSet, path: Path, metric: Metric, scope: Scope) -> None:
        first = self.limited.setdefault((one_set, metric.name, scope), path)
        if first != path:
            self._complain(
                self.document.value((*path, "metric")),
                f"{metric.name} of {_quoted(scope)} has a limit in line {self.document.value((*first, 'limit')).line}"
                " already; this one repeats or contradicts it",
            )

    def _text(self, path: Path, entry: dict[str, Any], key: str) -> str | None:
        if key not in entry:
            self._complain(self.document.value(path), f"this target has no {key}")
            return None
        value = entry[key]
        if not isinstance(value, str):
            self._complain(self.document.value((*path, key)), f"{key} is to be text in quotes, {_not(value)}")
            return None
        return value

    def _complain(self, place: Position, text: str) -> None:
        self.mistakes.append(Mistake(*place, text))


def _quoted(text: str) -> str:
    shown = text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - enough to recognise it by
    return json.dumps(shown, ensure_ascii=not shown.isprintable())


def _nearest(written: str, known: Iterable[str]) -> str | None:
    """Return the question whether the known word nearest to *written* was meant; None where none is near."""
    near = get_close_matches(written[:100].strip().lower().replace("-", "_"), known, n=1, cutoff=0.6)
    return f"did you mean {_quoted(near[0])}?" if near else None


def _not(value: object) -> str:
    kinds = {bool: "a truth value", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    return f"not {kinds.get(type(value), 'a date or time')}"

"""The limit of a target: text such as ``"< 200 ms"``, read, checked against its metric, and met or missed."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from seawall.targets.errors import BadLimit
from seawall.targets.metrics import Better, Metric, Unit


class Operator(StrEnum):
    """How a figure is held against a limit."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    EXACTLY = "="


_COMPARE = {
    Operator.BELOW: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.ABOVE: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.EXACTLY: operator.eq,
}
_MIRRORED = {
    Operator.BELOW: Operator.ABOVE,
    Operator.AT_MOST: Operator.AT_LEAST,
    Operator.ABOVE: Operator.BELOW,
    Operator.AT_LEAST: Operator.AT_MOST,
}
_FORM = re.compile(r"\s*(<=|>=|<|>|=)?\s*(-?[0-9][0-9_]{0,17}(?:\.[0-9]{1,12})?)\s*([a-zA-Z/%]{0,8})\s*", re.ASCII)
_NO_FORM = 'is no limit: write an operator, a number and, if you like, its unit, as in "< 200 ms"'


@dataclass(frozen=True, slots=True)
class Written:
    """A limit as it was written, not yet held against any metric."""

    operator: Operator
    number: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure has to keep to, in the metric's own unit (ms, a share of 1, per second, a count)."""

    operator: Operator
    number: float
    unit: Unit

    def meets(self, figure: float) -> bool:
        """Return whether *figure* keeps to the limit."""
        return bool(_COMPARE[self.operator](figure, self.number))

    def __str__(self) -> str:
        """Return the limit in the one form in which reports show it; `read_limit` reads it back."""
        suffix, factor = self.unit.value[0]
        return f"{self.operator} {_plain(Decimal(repr(self.number)) / factor)} {suffix}".rstrip()


def read_limit(text: str) -> Written:
    """Read ``operator number [unit]``; raises `BadLimit` where *text* is anything else."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise BadLimit(_NO_FORM)
    sign, number, unit = found.groups()
    if sign is None:
        raise BadLimit(f'has no operator: write one of <, <=, >, >= and = before it, as in "<= {text.strip()}"')
    return Written(Operator(sign), Decimal(number.replace("_", "")), unit)


def limit_of(metric: Metric, written: Written) -> Limit:
    """Return the limit of *metric* that *written* means.

    Raises `BadLimit` where the unit is not the metric's, the operator asks for worse instead of better, or no service
    could ever reach the limit, or none miss it.
    """
    factor = metric.unit.factor(written.unit)
    if factor is None:
        units = " or ".join(suffix for suffix, _ in metric.unit.value if suffix)
        raise BadLimit(f"is in {written.unit!r}, but {metric.name} is {f'in {units}' if units else 'a bare number'}")
    number = written.number * factor
    _check_number(metric, written, number)
    _check_operator(metric, written)
    _check_reach(metric, written.operator, float(number))
    return Limit(written.operator, float(number), metric.unit)


def _check_number(metric: Metric, written: Written, number: Decimal) -> None:
    shown = f"{_plain(written.number)} {written.unit}".rstrip()
    if number < 0:
        raise BadLimit(f"can never be met: {metric.name} is never below 0")
    if metric.unit is Unit.SHARE and number > 1:
        hint = "nothing is more than all" if written.unit else f'for percent write "{written.operator} {shown} %"'
        raise BadLimit(f"is impossible: {metric.name} is a share, 0 to 1 or 0 % to 100 %; {hint}")
    if metric.whole and number != int(number):
        raise BadLimit(f"is no whole number, but {metric.name} counts whole things")
    if not Decimal(repr(metric.lowest)) <= number <= Decimal(repr(metric.highest)):
        raise BadLimit(
            f"is out of range: {metric.name} is limited to between {metric.unit.show(metric.lowest)} and"
            f" {metric.unit.show(metric.highest)}"
        )


def _check_operator(metric: Metric, written: Written) -> None:
    sign, shown = written.operator, f"{_plain(written.number)} {written.unit}".rstrip()
    if metric.zero_only and (written.number != 0 or sign not in {Operator.EXACTLY, Operator.AT_MOST}):
        raise BadLimit(f'cannot be: any {metric.name} record is a FAIL, so the only limit of {metric.name} is "= 0"')
    if sign is Operator.EXACTLY:
        if metric.of_records and written.number == 0:
            return
        better = Operator.AT_MOST if metric.better is Better.LOWER else Operator.AT_LEAST
        raise BadLimit(f'asks for exactly {shown}, which better figures would miss: write "{better} {shown}"')
    lower = metric.better is Better.LOWER
    if sign not in ({Operator.BELOW, Operator.AT_MOST} if lower else {Operator.ABOVE, Operator.AT_LEAST}):
        worse = "large" if lower else "small"
        raise BadLimit(
            f'would have {metric.name} be {worse}, but {metric.better} is better: write "{_MIRRORED[sign]} {shown}"'
        )


def _check_reach(metric: Metric, sign: Operator, number: float) -> None:
    lower = metric.better is Better.LOWER
    best, worst = (metric.lowest, metric.highest) if lower else (metric.highest, metric.lowest)
    compare = _COMPARE[sign]
    if not compare(best, number):
        side = "below" if lower else "above"
        raise BadLimit(f"can never be met: no {metric.name} is {side} {metric.unit.show(best)}")
    if compare(worst, number):
        raise BadLimit(f"can never be missed, so it says nothing: every {metric.name} meets it")


def _plain(number: Decimal) -> str:
    """Return *number* without exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

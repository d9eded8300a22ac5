"""Days, weeks and months, in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

DAY, WEEK, MONTH = "day", "week", "month"
PERIODS = (DAY, WEEK, MONTH)
_DAYS_AT_MOST = timedelta(days=14)
_WEEKS_AT_MOST = timedelta(days=120)


def fitting_period(first: datetime, last: datetime) -> str:
    """Return by what to divide the time from *first* to *last*: days to two weeks, weeks to four months, months."""
    span = last - first
    return DAY if span <= _DAYS_AT_MOST else WEEK if span <= _WEEKS_AT_MOST else MONTH


def period_of(at: datetime, by: str) -> str:
    """Return the name of the day, ISO week or month of *at*; names in their order are in that of time."""
    if by == DAY:
        return f"{at:%Y-%m-%d}"
    if by == MONTH:
        return f"{at:%Y-%m}"
    year, week, _ = at.isocalendar()
    return f"{year}-W{week:02}"

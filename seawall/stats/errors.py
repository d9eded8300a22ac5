"""Errors of the statistics.

StatsError
 ├─ BadFigures      a figure that no measurement can be: not a number, or not positive where a ratio is asked for
 ├─ TooFewSamples   one run holds too few samples (or too few independent ones) for the asked interval
 └─ TooFewTrials    too few runs an arm for the asked interval
"""


class StatsError(Exception):
    """Something that keeps an estimate from being given."""


class BadFigures(StatsError):
    """A figure is not a number, or not positive where it must be."""


class TooFewSamples(StatsError):
    """The samples of a run are too few for the asked interval."""


class TooFewTrials(StatsError):
    """The trials of an arm are too few for the asked interval."""

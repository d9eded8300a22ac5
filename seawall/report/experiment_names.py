"""Experiments by their names, where a report tells them apart."""

from __future__ import annotations

PLAIN = ("locust", "k6")
"""The experiments that are one plain run of a load generator against a service."""
SOAK = "soak"
"""The experiment that holds one load for a long time."""
FAULT = "fault"
"""The experiment in which things go wrong on purpose."""
TUNE = "tune"
"""The experiment that turns knobs: a sweep of one, a plan of several, or a search."""

"""Prometheus metrics made of plain counts; every label has few values, known from the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from contract.histogram import Durations, Histogram

Labels = TypeVar("Labels", bound=tuple[str, ...])
"""The values of the labels, in the order of their names."""


def counters(name: str, says: str, labels: Sequence[str], counts: Mapping[Labels, float]) -> CounterMetricFamily:
    """Return what only grows: ``name_total``."""
    family = CounterMetricFamily(name, says, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def gauges(name: str, says: str, labels: Sequence[str], figures: Mapping[Labels, float]) -> GaugeMetricFamily:
    """Return what goes up and down."""
    family = GaugeMetricFamily(name, says, labels=labels)
    for values, figure in figures.items():
        family.add_metric(values, figure)
    return family


def times(name: str, says: str, labels: Sequence[str], found: Mapping[Labels, Durations]) -> HistogramMetricFamily:
    """Return how long something took, in seconds."""
    family = HistogramMetricFamily(name, says, labels=labels)
    for values, durations in found.items():
        family.add_metric(values, durations.cumulated_s(), durations.sum_s)
    return family


def sizes(name: str, says: str, labels: Sequence[str], found: Mapping[Labels, Histogram]) -> HistogramMetricFamily:
    """Return how many there were of something each time."""
    family = HistogramMetricFamily(name, says, labels=labels)
    for values, histogram in found.items():
        family.add_metric(values, histogram.cumulated(), histogram.sum)
    return family

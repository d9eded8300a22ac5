"""docs/metrics.md names every metric of API and sink with its labels, and no other."""

from __future__ import annotations

import metrics_page
import pytest

from seawall.stack.stack import Stack


@pytest.mark.parametrize(("section", "service"), [("API", "api"), ("Sink", "sink-1")])
def test_the_page_names_every_metric_with_its_labels(stack: Stack, section: str, service: str) -> None:
    """What a running process shows is what stands there, both ways; load and exporter have tests of their own."""
    metrics_page.check(stack.state.services[service].metrics_url, section)

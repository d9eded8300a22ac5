"""What an API process shows on its metrics port."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families


def scrape(url: str) -> dict[str, float]:
    """Return every sample by its name and the values of its labels, sorted: ``name{value,value}``."""
    answer = httpx.get(url, timeout=20)
    assert answer.is_success
    return {
        f"{sample.name}{{{','.join(sorted(sample.labels.values()))}}}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }

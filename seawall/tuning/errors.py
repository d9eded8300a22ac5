"""What can be wrong with settings of Kafka."""

from __future__ import annotations

from collections.abc import Iterable


class BadSettings(Exception):
    """Settings that nobody could run with; holds every mistake."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = list(mistakes)
        super().__init__("\n".join(self.mistakes))

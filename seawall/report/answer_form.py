"""What every answer is made of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """What to do, why, from which load on, and what speaks for caution."""

    question: str
    word: str
    sentence: str
    from_which_load: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

"""Values of options as people type them: lists, numbers, times."""

from __future__ import annotations

import typer

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def names(text: str) -> tuple[str, ...]:
    """Return the names of a list like ``sync,kafka``."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Return the numbers of a list like ``100,10_000``; raises `typer.BadParameter`."""
    try:
        return tuple(int(name.replace("_", "")) for name in names(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of whole numbers like 100,500", param_hint=option) from None


def seconds(option: str, text: str) -> float:
    """Return the seconds of a time like ``500ms``, ``10s``, ``1m`` or ``10``; raises `typer.BadParameter`."""
    unit = next((unit for unit in _SECONDS if text.endswith(unit)), "")
    try:
        return float(text.removesuffix(unit)) * _SECONDS.get(unit, 1.0)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time like 10s or 1m", param_hint=option) from None

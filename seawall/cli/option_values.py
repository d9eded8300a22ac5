"""Values of options as people type them: lists, numbers, times."""

from __future__ import annotations

import typer

from seawall.report.table_styles import TABLE_STYLES

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def names(text: str) -> tuple[str, ...]:
    """Return the names of a list like ``sync,kafka``."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def level_names(text: str) -> tuple[str, ...]:
    """Return the levels of a list like ``1,2``, or, where one of them holds a comma, like ``delete;compact,delete``.

    One such level alone ends with a semicolon.
    """
    return tuple(name.strip() for name in text.split(";") if name.strip()) if ";" in text else names(text)


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Return the numbers of a list like ``100,10_000``; raises `typer.BadParameter`."""
    try:
        return tuple(int(name.replace("_", "")) for name in names(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of whole numbers like 100,500", param_hint=option) from None


def rates(option: str, text: str) -> tuple[float, ...]:
    """Return the numbers of a list like ``1000,5_000``; raises `typer.BadParameter`."""
    try:
        return tuple(float(name) for name in names(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of numbers like 1000,5000", param_hint=option) from None


def share(option: str, text: str) -> float:
    """Return a share of 1 from ``5%`` or ``0.05``; raises `typer.BadParameter`."""
    try:
        return float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a share like 5%", param_hint=option) from None


def weights(option: str, text: str) -> dict[str, float]:
    """Return names and numbers of a list like ``write=30,cached=70``; raises `typer.BadParameter`."""
    found = {}
    for part in names(text):
        name, _, number = part.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise typer.BadParameter(f"{part!r} is not a weight like write=30", param_hint=option) from None
    return found


def seconds(option: str, text: str) -> float:
    """Return the seconds of a time like ``500ms``, ``10s``, ``1m`` or ``10``; raises `typer.BadParameter`."""
    unit = next((unit for unit in _SECONDS if text.endswith(unit)), "")
    try:
        return float(text.removesuffix(unit)) * _SECONDS.get(unit, 1.0)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time like 10s or 1m", param_hint=option) from None


def times(option: str, text: str) -> tuple[float, ...]:
    """Return the seconds of each time of a list like ``0,2ms,1s``; raises `typer.BadParameter`."""
    return tuple(seconds(option, name) for name in names(text))


def check_table_style(style: str) -> None:
    """Raise `typer.BadParameter` for a style of tables that does not exist."""
    if style not in TABLE_STYLES:
        raise typer.BadParameter(f"unknown {style!r}, known are {', '.join(TABLE_STYLES)}", param_hint="--table-style")

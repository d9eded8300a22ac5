"""The file of targets that `--targets` names."""

from __future__ import annotations

from pathlib import Path

import typer

from seawall.targets.parse import parse_targets
from seawall.targets.target import Targets


def read_targets(path: Path) -> Targets:
    """Return what the file holds; raises `typer.BadParameter` where it cannot be read, `TargetsError` for mistakes."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise typer.BadParameter(f"{path} cannot be read: {reason}", param_hint="--targets") from None
    return parse_targets(text, str(path))

"""How tables on the console look."""

from __future__ import annotations

from rich import box
from rich.table import Table

TABLE_STYLES: dict[str, box.Box | None] = {
    "rounded": box.ROUNDED,
    "simple": box.SIMPLE_HEAD,
    "grid": box.SQUARE,
    "double": box.DOUBLE_EDGE,
    "markdown": box.MARKDOWN,
    "ascii": box.ASCII2,
    "none": None,
}
NOTHING = "-"


def styled_table(title: str, style: str) -> Table:
    """Return an empty table; its caption, if it gets one, stands at the left."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        caption_style="",
        box=TABLE_STYLES[style],
        header_style="bold",
    )


def number(value: float | None, digits: int) -> str:
    """Return *value* with so many decimals, or a dash where there is none."""
    return NOTHING if value is None else f"{value:,.{digits}f}"

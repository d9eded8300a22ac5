"""Pictures that stand alone: they are shown where no style sheet reaches, on light pages and on dark ones.

So each brings its own ground and colours, those of the light page.
"""

from __future__ import annotations

from pathlib import Path

_STYLE = """
text { font: %spx system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #565f6b; }
.word { font-size: 20px; font-weight: 700; fill: #1b1f24; } .under { font-size: 13.5px; }
.heading { font-size: 14.5px; font-weight: 600; fill: #1b1f24; }
.arm-0 { --own: #0063a8; } .arm-1 { --own: #bd4a00; } .arm-2 { --own: #00785a; }
.arm-3 { --own: #9b3c77; } .arm-4 { --own: #5b5bd6; } .arm-5 { --own: #6b6200; }
.mark { fill: var(--own); stroke: var(--own); stroke-width: 1.5; } .mark.faint { fill: #fff; }
.whisker { stroke: var(--own); stroke-width: 1.5; } .name { fill: var(--own); font-weight: 600; }
.line { fill: none; stroke: var(--own); stroke-width: 2; stroke-linejoin: round; }
.band { fill: var(--own); opacity: .15; }
.line.thin { stroke-width: 1; opacity: .45; } .line.dashed { stroke-dasharray: 5 4; }
.grid { stroke: #e6e9ed; } .axis { stroke: #565f6b; } .asked { stroke: #565f6b; stroke-dasharray: 2 3; }
.limit { stroke: #b3261e; stroke-dasharray: 7 3; } .limit-text { fill: #b3261e; }
.shade { fill: #6e7887; opacity: .14; }
.name, .limit-text, .note { paint-order: stroke; stroke: #fff; stroke-width: 3px; stroke-linejoin: round; }
"""


def sheet(width: int, height: int, content: str, *, letters_px: float) -> str:
    """Return *content* as a whole SVG file of that size, with the smallest letters as large as that."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<style>{_STYLE % letters_px}</style>"
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="#fff" stroke="#d3d8de"/>'
        f"{content}</svg>\n"
    )


def write_sheet(content: str, path: Path) -> None:
    """Write a picture to *path*; it appears only when it is whole."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)

"""The law of a scale-out as one picture that stands alone."""

from __future__ import annotations

from html import escape
from pathlib import Path

from seawall.report.errors import NoPicture
from seawall.report.page.scaling_chart import scaling_chart
from seawall.report.page.sheet import sheet, write_sheet
from seawall.report.scaling_words import SCALED
from seawall.result import Estimate, Result

WIDE, HIGH = 720, 500
_ABOVE, _BELOW = 66, 34


def scaling_picture(result: Result) -> str:
    """Return the picture as a whole SVG file; raises `NoPicture` where no trial came to a figure."""
    finding = result.scaling[0] if result.scaling else None
    chart = scaling_chart(finding) if finding is not None else None
    if finding is None or chart is None:
        raise NoPicture("this run scaled nothing: run bin/seawall scale")
    law = "no law was fitted"
    if finding.gamma and finding.alpha and finding.beta:
        law = (
            f"one carries {finding.gamma.value:,.0f}/s; contention {_short(finding.alpha)}, coherency"
            f" {_short(finding.beta)}"
        )
    below = "Projected to a core each, not measured. Band: 95 %. Broken: beyond what was measured. Hollow: not used."
    return sheet(
        WIDE,
        HIGH,
        f'<text class="word" x="20" y="34">What more {SCALED.get(finding.what, finding.what)} would carry</text>'
        f'<text class="under" x="20" y="55">{escape(law)}</text>'
        f'<svg x="12" y="{_ABOVE}" width="{WIDE - 24}" height="{HIGH - _ABOVE - _BELOW}">{chart.svg()}</svg>'
        f'<text class="under" style="font-size:12px" x="20" y="{HIGH - 14}">{below}</text>',
        letters_px=9,
    )


def write_scaling_picture(result: Result, path: Path) -> None:
    """Write the picture to *path*; it appears only when it is whole. Raises `NoPicture`."""
    write_sheet(scaling_picture(result), path)


def _short(figure: Estimate) -> str:
    return f"{figure.value:.2g} [{figure.low:.2g} to {figure.high:.2g}]"

"""Draws the profile of each shape for docs/shapes.md: ``.venv/bin/python bin/shape_pictures.py [DIRECTORY]``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from seawall.load import shapes  # noqa: E402 - Locust has to be the first, and the path before it
from seawall.load.shape_options import STAGE_S, ShapeOptions  # noqa: E402
from seawall.report.page.chart import HEIGHT, WIDTH  # noqa: E402
from seawall.report.page.shape_picture import profile_chart  # noqa: E402
from seawall.report.page.sheet import sheet, write_sheet  # noqa: E402
from seawall.result import StageFinding  # noqa: E402

SHAPES = (shapes.Spike, shapes.Steps, shapes.Ramp, shapes.Breakpoint, shapes.Soak, shapes.Attain)
ABOVE, AROUND = 38, 10


def main(directory: Path) -> None:
    """Write a picture for each shape, with its default rate and times."""
    directory.mkdir(parents=True, exist_ok=True)
    for shape in SHAPES:
        profile = shape.profile(ShapeOptions(peak_per_s=None, stage_s=STAGE_S, users=None))
        stages = [
            StageFinding(
                arm="", stage=stage.name, load_per_s=stage.to_per_s, users=0, judged=stage.judged,
                begins_s=begin_ns / 1e9, duration_s=stage.duration_s, from_per_s=stage.from_per_s,
                to_per_s=stage.to_per_s,
            )
            for stage, (begin_ns, _) in zip(profile.stages, profile.bounds_ns(), strict=True)
        ]  # fmt: skip
        chart = profile_chart(profile.name, stages).svg()
        heading = f'<text class="heading" x="{AROUND + 2}" y="26">{profile.name}</text>'
        content = f'{heading}<svg x="{AROUND}" y="{ABOVE}" width="{WIDTH}" height="{HEIGHT}">{chart}</svg>'
        size = WIDTH + 2 * AROUND, HEIGHT + ABOVE + AROUND
        write_sheet(sheet(*size, content, letters_px=11.5), directory / f"{profile.name.lower()}.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures" / "shapes")

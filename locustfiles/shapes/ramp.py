"""Makes `Ramp` the shape of a run: add this file behind ``-f locustfiles/ingest.py,``."""

from seawall.load.shapes import Ramp

__all__ = ["Ramp"]

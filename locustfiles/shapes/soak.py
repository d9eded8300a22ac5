"""Makes `Soak` the shape of a run: add this file behind ``-f locustfiles/ingest.py,``."""

from seawall.load.shapes import Soak

__all__ = ["Soak"]

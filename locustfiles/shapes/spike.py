"""Makes `Spike` the shape of a run: add this file behind ``-f locustfiles/ingest.py,``."""

from seawall.load.shapes import Spike

__all__ = ["Spike"]

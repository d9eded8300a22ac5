"""Makes `Attain` the shape of a run: add this file behind ``-f locustfiles/ingest.py,``."""

from seawall.load.shapes import Attain

__all__ = ["Attain"]

"""Makes `Steps` the shape of a run: add this file behind ``-f locustfiles/ingest.py,``."""

from seawall.load.shapes import Steps

__all__ = ["Steps"]

"""Makes `Breakpoint` the shape of a run: add this file behind ``-f locustfiles/ingest.py,``."""

from seawall.load.shapes import Breakpoint

__all__ = ["Breakpoint"]

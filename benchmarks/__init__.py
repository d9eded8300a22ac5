"""Seawall's own speed and honesty, as ratios and errors from one run; each module is a benchmark with a `main`."""

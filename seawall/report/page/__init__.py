"""The report as one HTML page: pictures as SVG, no script, nothing from the network."""

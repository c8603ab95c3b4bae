"""Charts as inline SVG, each in two widths: the page shows the one that fits."""

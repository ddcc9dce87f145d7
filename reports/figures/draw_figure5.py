"""Figure 5: three coordinates of z_u, each varied alone with z_s fixed per row.

Usage: python -m reports.figures.draw_figure5 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from reports.figures.forms import draw_forms
from reports.figures.panel import StoredPanel, minus
from reports.figures.style import run

PAGE = 6.1  # inches: nine rows of large images would leave no room for a caption on a page


def draw(caption: str, panel: StoredPanel) -> Figure:
    """Draw one block of rows per coordinate, and forms of the model side by side."""
    grids = panel.images("grids", 7).swapaxes(0, 1)
    titles = [f"({'abc'[i]}) {choice_title(c)}" for i, c in enumerate(panel["choices"])]
    ticks = [minus(f"{value:+.1f}") for value in panel["values"]]
    blocks = list(zip(titles, grids, strict=True))
    return draw_forms(caption, panel, blocks, "value", ticks, PAGE)


def choice_title(choice: Mapping) -> str:
    """Return the title of a block: what its coordinate was chosen for, and by which measure."""
    where = f"coordinate {choice['coordinate']} of $z_u$"
    if choice["by"] == "factor":
        found = f"Spearman {choice['spearman']:+.2f} as published"
        return minus(f"{choice['factor']}: {where}, {found}")
    return f"KL rank {choice['rank']}: {where}, {choice['kl']:.2f} nats"


if __name__ == "__main__":
    run("figure5", draw, __doc__)

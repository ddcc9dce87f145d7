"""Figure 6: swaps of z_s and z_u between images of identities never seen with a label.

Usage: python -m reports.figures.draw_figure6 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

from matplotlib.figure import Figure

from reports.figures.panel import StoredPanel
from reports.figures.style import MARGIN, MUTED, TITLE, WIDTH, Canvas, fit_cell, grid_length, run

LEFT, TOP, GAP = 0.26, 0.25, 0.12


def draw(caption: str, panel: StoredPanel) -> Figure:
    """Draw the sources along the edges and the swaps between them."""
    rows, columns = panel.images("row_images", 4), panel.images("column_images", 4)
    swaps = panel.images("grid", 5)
    side = swaps.shape[2]
    cell = fit_cell(WIDTH - LEFT - GAP - MARGIN, len(columns) + 1, side)
    inner_left, inner_top = LEFT + cell + GAP, TOP + cell + GAP
    width, height = (grid_length(n, side, cell) for n in (len(columns), len(rows)))
    canvas = Canvas(inner_top + height, caption)
    canvas.grid(columns[None], inner_left, TOP, cell)
    canvas.grid(rows[:, None], LEFT, inner_top, cell)
    canvas.grid(swaps, inner_left, inner_top, cell)
    canvas.text(inner_left + width / 2, TOP - 0.11, "images that give $z_u$", size=TITLE)
    y = inner_top + height / 2
    canvas.text(LEFT - 0.12, y, "images that give $z_s$", size=TITLE, rotation=90)
    frame = canvas.axes(0, 0, canvas.width, canvas.height)
    frame.set_axis_off()
    frame.set(xlim=(0, canvas.width), ylim=(canvas.height, 0))
    for xs, ys in (
        ((inner_left - GAP / 2,) * 2, (TOP, inner_top + height)),
        ((LEFT, inner_left + width), (inner_top - GAP / 2,) * 2),
    ):
        frame.plot(xs, ys, color=MUTED, linewidth=0.6)
    return canvas.figure


if __name__ == "__main__":
    run("figure6", draw, __doc__)

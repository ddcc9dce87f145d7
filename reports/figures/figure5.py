"""Figure 5: three coordinates of z_u, each varied alone with z_s fixed per row.

Usage: python -m reports.figures.figure5 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from reports.figures.panel import Panel
from reports.figures.style import (
    CAPTION,
    MARGIN,
    MUTED,
    TITLE,
    Canvas,
    fit_cell,
    grid_length,
    minus,
    run,
    shorten,
)

PAGE, LEFT, TOP, BLOCK_GAP = 6.1, 0.30, 0.26, 0.30


def caption(panels: Sequence[Panel]) -> str:
    """Return the caption of the figure; it says how each coordinate was chosen."""
    (panel,) = panels
    values = panel["values"]
    classes = ", ".join(f"'{name}'" for name in panel["classes"])
    return (
        f"Figure 5. One coordinate of $z_u$ varied from {values[0]:g} to {values[-1]:g}; the other "
        "coordinates of $z_u$ are one draw shared by all rows, $z_s$ is fixed in each row. Rows "
        f"are the classes {classes}. {panel['selection']} {panel.provenance()}"
    )


def draw(panels: Sequence[Panel]) -> Figure:
    """Draw one block of rows per coordinate."""
    (panel,) = panels
    grids = panel.images("grids", 6)
    blocks, rows, columns, side = grids.shape[:4]
    cell = fit_cell(PAGE - LEFT - MARGIN, columns, side)
    height = grid_length(rows, side, cell)
    bottom = TOP + blocks * height + (blocks - 1) * BLOCK_GAP
    canvas = Canvas(bottom + 0.15, caption(panels), PAGE)
    for index, (images, choice) in enumerate(zip(grids, panel["choices"], strict=True)):
        top = TOP + index * (height + BLOCK_GAP)
        width, _ = canvas.grid(images, LEFT, top, cell)
        title = f"({'abcdefghij'[index]}) {choice_title(choice)}"
        canvas.text(LEFT, top - 0.12, title, size=TITLE, ha="left")
        for row, name in enumerate(panel["classes"]):
            y = top + (row + 0.5) * height / rows
            name = shorten(name, cell, CAPTION)
            canvas.text(LEFT - 0.12, y, name, size=CAPTION, rotation=90)
    for column, value in enumerate(panel["values"]):
        x = LEFT + (column + 0.5) * width / columns
        canvas.text(x, bottom + 0.09, minus(f"{value:+.1f}"), size=CAPTION, color=MUTED)
    return canvas.figure


def choice_title(choice: Mapping) -> str:
    """Return the title of a block: what its coordinate was chosen for, and by which measure."""
    where = f"coordinate {choice['coordinate']} of $z_u$"
    if choice["by"] == "factor":
        return minus(f"{choice['factor']}: {where}, Spearman {choice['spearman']:+.2f}")
    return f"KL rank {choice['rank']}: {where}, {choice['kl']:.2f} nats"


if __name__ == "__main__":
    run(draw, __doc__)

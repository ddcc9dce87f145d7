r"""Figure 4: interpolation of one code with the other fixed, (a) z_s and (b) z_u.

Usage: python -m reports.figures.figure4 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from reports.figures.panel import Panel
from reports.figures.style import (
    CAPTION,
    LABEL,
    MARGIN,
    MUTED,
    TITLE,
    WIDTH,
    Canvas,
    fit_cell,
    grid_length,
    run,
    shorten,
)

LEFT, TOP, BLOCK_GAP = 0.30, 0.28, 0.36


def caption(panels: Sequence[Panel]) -> str:
    """Return the caption of the figure."""
    (panel,) = panels
    classes = ", ".join(f"'{name}'" for name in panel["classes"])
    return (
        "Figure 4. Varying one code of ours with the other fixed. (a) $z_s$ moves between two "
        "draws of its class, $z_u$ is fixed and the same in all rows; each column has the same "
        "random code. (b) $z_u$ moves between two draws, $z_s$ is fixed in each row; each column "
        f"has the same $z_u$. Rows are the classes {classes}. {panel['selection']} "
        f"{panel.provenance()}"
    )


def draw(panels: Sequence[Panel]) -> Figure:
    """Draw the two blocks of rows, one above the other."""
    (panel,) = panels
    blocks = [
        (panel.images("a", 5), "(a) $z_s$ varies, $z_u$ is fixed"),
        (panel.images("b", 5), "(b) $z_u$ varies, $z_s$ is fixed"),
    ]
    rows, columns, side = blocks[0][0].shape[:3]
    cell = fit_cell(WIDTH - LEFT - MARGIN, columns, side)
    height = grid_length(rows, side, cell)
    canvas = Canvas(TOP + 2 * height + BLOCK_GAP + 0.16, caption(panels))
    for index, (images, title) in enumerate(blocks):
        top = TOP + index * (height + BLOCK_GAP)
        width, _ = canvas.grid(images, LEFT, top, cell)
        canvas.text(LEFT, top - 0.12, title, size=TITLE, ha="left")
        for row, name in enumerate(panel["classes"]):
            y = top + (row + 0.5) * height / rows
            canvas.text(LEFT - 0.12, y, shorten(name, cell, LABEL), size=LABEL, rotation=90)
    _alpha_labels(canvas, panel["alphas"], TOP + 2 * height + BLOCK_GAP + 0.09, width)
    return canvas.figure


def _alpha_labels(canvas: Canvas, alphas: Sequence[float], y: float, width: float) -> None:
    for index, alpha in enumerate(np.asarray(alphas, dtype=float)):
        x = LEFT + (index + 0.5) * width / len(alphas)
        canvas.text(x, y, rf"$\alpha$ = {alpha:.2f}", size=CAPTION, color=MUTED)


if __name__ == "__main__":
    run(draw, __doc__)

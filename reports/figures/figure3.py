"""Figure 3: images of one class, real and of every model; one row per data set.

Usage: python -m reports.figures.figure3 --panel DIR [DIR ...] --png FILE --pdf FILE
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from reports.figures.panel import Panel
from reports.figures.style import (
    LABEL,
    MARGIN,
    TITLE,
    WIDTH,
    Canvas,
    fit_cell,
    grid_length,
    run,
    shorten,
)
from reports.names import in_paper_order, model_title

LEFT, TOP, BLOCK_GAP, ROW_GAP = 0.40, 0.27, 0.10, 0.14


def caption(panels: Sequence[Panel]) -> str:
    """Return the caption of the figure."""
    classes = " and ".join(f"'{p['class_name']}' of {p.dataset_title}" for p in panels)
    seeds = sorted({int(p["seed"]) for p in panels})
    names = [model_title(name) for name in in_paper_order(panels[0]["titles"])]
    return (
        f"Figure 3. Images of one class per panel: {', '.join(names)}. Classes: {classes}. "
        f"{panels[0]['selection']} Preset {panels[0]['preset']}; seed {', '.join(map(str, seeds))}."
    )


def draw(panels: Sequence[Panel]) -> Figure:
    """Draw one row of image blocks per panel."""
    titles, grids = zip(*(ordered(panel) for panel in panels), strict=True)
    blocks = max(len(grid) for grid in grids)
    width = (WIDTH - LEFT - MARGIN - (blocks - 1) * BLOCK_GAP) / blocks
    cells = [fit_cell(width, grid.shape[2], grid.shape[3]) for grid in grids]
    heights = [
        grid_length(grid.shape[1], grid.shape[3], cell)
        for cell, grid in zip(cells, grids, strict=True)
    ]
    canvas = Canvas(TOP + sum(heights) + ROW_GAP * (len(panels) - 1), caption(panels))
    top = TOP
    for panel, grid, cell, height in zip(panels, grids, cells, heights, strict=True):
        canvas.text(0.10, top + height / 2, panel.dataset_title, size=TITLE, rotation=90)
        name = shorten(panel["class_name"], height, LABEL)
        canvas.text(0.29, top + height / 2, name, size=LABEL, rotation=90)
        for column, images in enumerate(grid):
            canvas.grid(images, LEFT + column * (width + BLOCK_GAP), top, cell)
        top += height + ROW_GAP
    for column, name in enumerate(titles[0]):
        x = LEFT + column * (width + BLOCK_GAP) + width / 2
        canvas.text(x, TOP - 0.12, f"({'abcdefghij'[column]}) {model_title(name)}", size=TITLE)
    return canvas.figure


def ordered(panel: Panel) -> tuple[list[str], np.ndarray]:
    """Return models and their blocks (models, rows, columns, H, W, 3) in the paper's order."""
    titles, grids = list(panel["titles"]), panel.images("grids", 6)
    order = in_paper_order(titles)
    return order, grids[[titles.index(name) for name in order]]


if __name__ == "__main__":
    run(draw, __doc__)

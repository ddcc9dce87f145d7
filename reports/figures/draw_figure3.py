"""Figure 3: images of one class, real and of every model; a row per data set and form of a model.

Usage: python -m reports.figures.draw_figure3 --panel DIR [DIR ...] --png FILE --pdf FILE
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dlvae.stage.foreign import drawn
from reports.figures.forms import FITTED, PUBLISHED
from reports.figures.panel import StoredPanel
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
from reports.names import as_published, dataset_title, fitted_form, in_paper_order, model_title

LEFT, TOP, BLOCK_GAP, FORM_GAP, SET_GAP = 0.42, 0.27, 0.10, 0.10, 0.18
FORM_WIDTH = 0.18  # inches for the names of the forms, where there are two


def draw(caption: str, *panels: StoredPanel) -> Figure:
    """Draw a row of image blocks per panel, and one of fitted models below it if there are any."""
    rows = [form_rows(panel) for panel in panels]
    forms = max(map(len, rows))
    left = LEFT + (FORM_WIDTH if forms > 1 else 0)
    names = list(rows[0][0])
    width = (WIDTH - left - MARGIN - (len(names) - 1) * BLOCK_GAP) / len(names)
    xs = {name: left + column * (width + BLOCK_GAP) for column, name in enumerate(names)}
    heights = [_height(panel, width, len(row)) for panel, row in zip(panels, rows, strict=True)]
    canvas = Canvas(TOP + sum(heights) + SET_GAP * (len(panels) - 1), caption)
    for column, name in enumerate(names):
        title = f"({'abcdefghij'[column]}) {model_title(name)}"
        canvas.text(xs[name] + width / 2, TOP - 0.12, title, size=TITLE)
    top = TOP
    for panel, row, height in zip(panels, rows, heights, strict=True):
        title = dataset_title(panel["dataset"])
        canvas.text(0.10, top + height / 2, title, size=TITLE, rotation=90)
        name = drawn(shorten(panel["class_name"], height, LABEL))
        canvas.text(0.29, top + height / 2, name, size=LABEL, rotation=90)
        upper = top
        for form, blocks in zip((PUBLISHED, FITTED), row, strict=False):
            for name, images in blocks.items():
                cell = fit_cell(width, images.shape[1], images.shape[2])
                _, high = canvas.grid(images, xs[name], upper, cell)
            if len(row) > 1:
                canvas.text(LEFT + 0.05, upper + high / 2, form, size=LABEL, rotation=90)
            upper += high + FORM_GAP
        top += height + SET_GAP
    return canvas.figure


def form_rows(panel: StoredPanel) -> list[dict[str, np.ndarray]]:
    """Return blocks uint8 (rows, columns, H, W, 3) by model as published, a row of them per form.

    The second row, of fitted models, has those models alone that were fitted; it is left out if
    none was.
    """
    titles, grids = list(panel["titles"]), panel.images("grids", 6)
    blocks = {name: grids[titles.index(name)] for name in in_paper_order(titles)}
    published = {name: block for name, block in blocks.items() if as_published(name) == name}
    fitted = {n: blocks[fitted_form(n)] for n in published if fitted_form(n) in blocks}
    return [row for row in (published, fitted) if row]


def _height(panel: StoredPanel, width: float, forms: int) -> float:
    down, across, side = panel.images("grids", 6).shape[1:4]
    row = grid_length(down, side, fit_cell(width, across, side))
    return forms * row + (forms - 1) * FORM_GAP


if __name__ == "__main__":
    run("figure3", draw, __doc__)

"""Blocks of images of one model in its forms, side by side: as published, and fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dlvae.stage.foreign import drawn
from reports.figures.panel import StoredPanel
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
    shorten,
)
from reports.names import as_published

PUBLISHED, FITTED = "as published", "fitted"
FORM_GAP, BLOCK_GAP = 0.16, 0.34
FORM_TITLE, BLOCK_TITLE, TICKS = 0.22, 0.27, 0.15  # inches above all, above a block, below all
CHARACTER, NAMES = 0.062, (0.3, 0.75)  # inches of a character of a row's name, and of all names


def draw_forms(
    caption: str,
    panel: StoredPanel,
    blocks: Sequence[tuple[str, np.ndarray]],
    axis: str,
    ticks: Sequence[str],
    page: float = WIDTH,
) -> Figure:
    """Draw blocks below each other, the forms of the panel's model side by side in each.

    Args:
        panel: names the ``models``, one per form, and the ``classes``, one per row.
        blocks: titles, and images uint8 (forms, rows, columns, H, W, 3), all of one shape.
        axis: what varies from column to column.
        ticks: its values, one per column.
        page: width in inches where there is one form; two take the full width.
    """
    names = list(panel["models"])
    page = page if len(names) == 1 else WIDTH
    rows, columns, side = blocks[0][1].shape[1:4]
    labels = [str(name) for name in panel["classes"]]
    room = float(np.clip(CHARACTER * max(map(len, labels)), *NAMES))
    edge = MARGIN + room + 0.08
    width = (page - edge - MARGIN - (len(names) - 1) * FORM_GAP) / len(names)
    cell = fit_cell(width, columns, side)
    height = grid_length(rows, side, cell)
    top = BLOCK_TITLE + (FORM_TITLE if len(names) > 1 else 0)
    bottom = top + len(blocks) * height + (len(blocks) - 1) * BLOCK_GAP
    canvas = Canvas(bottom + TICKS, caption, page)
    lefts = [edge + form * (width + FORM_GAP) for form in range(len(names))]
    for index, (title, images) in enumerate(blocks):
        upper = top + index * (height + BLOCK_GAP)
        canvas.text(edge, upper - 0.12, title, size=TITLE, ha="left")
        for row, name in enumerate(labels):
            y = upper + (row + 0.5) * height / rows
            canvas.text(edge - 0.08, y, drawn(shorten(name, room, LABEL)), ha="right")
        for left, grid in zip(lefts, images, strict=True):
            canvas.grid(grid, left, upper, cell)
    canvas.text(edge - 0.08, bottom + 0.09, axis, size=CAPTION, color=MUTED, ha="right")
    for left, name in zip(lefts, names, strict=True):
        if len(names) > 1:
            form = PUBLISHED if as_published(name) == name else FITTED
            canvas.text(left + width / 2, 0.13, form, size=TITLE)
        for column, text in enumerate(ticks):
            x = left + (column + 0.5) * width / columns
            canvas.text(x, bottom + 0.09, text, size=CAPTION, color=MUTED)
    return canvas.figure

"""Figure 7: inpainting of held-out images under four masks.

Usage: python -m reports.figures.draw_figure7 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from reports.figures.panel import StoredPanel
from reports.figures.style import LABEL, MARGIN, TITLE, WIDTH, Canvas, fit_cell, grid_length, run

TOP, BLOCK_GAP, ROW_GAP, ACROSS = 0.42, 0.22, 0.46, 2
MASKS = {"right_half": "right half", "nose_mouth": "nose and mouth", "bottom_half": "bottom half"}
COLUMNS = {"original": "original", "corrupted": "corrupted", "cvae_gan": "cVAE-GAN", "ours": "ours"}


def draw(caption: str, panel: StoredPanel) -> Figure:
    """Draw one block per mask, two beside each other, with the four columns of the paper."""
    stack = np.stack([panel.images(name, 5) for name in COLUMNS], axis=2)
    masks, rows, columns, side = stack.shape[:4]
    width = (WIDTH - 2 * MARGIN - (ACROSS - 1) * BLOCK_GAP) / ACROSS
    cell = fit_cell(width, columns, side)
    height = grid_length(rows, side, cell)
    down = -(-masks // ACROSS)
    canvas = Canvas(TOP + down * height + (down - 1) * ROW_GAP, caption)
    for index, (images, name) in enumerate(zip(stack, panel["masks"], strict=True)):
        left = MARGIN + (index % ACROSS) * (width + BLOCK_GAP)
        top = TOP + (index // ACROSS) * (height + ROW_GAP)
        canvas.grid(images, left, top, cell)
        title = f"({'abcdefghij'[index]}) {MASKS.get(name, name)}"
        canvas.text(left, top - 0.27, title, size=TITLE, ha="left")
        for column, text in enumerate(COLUMNS.values()):
            x = left + (column + 0.5) * width / columns
            canvas.text(x, top - 0.10, text, size=LABEL)
    return canvas.figure


if __name__ == "__main__":
    run("figure7", draw, __doc__)

"""Figure 2: the toy experiment, real points and those of every model and form over the epochs.

Usage: python -m reports.figures.draw_figure2 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.forms import FITTED
from reports.figures.panel import StoredPanel
from reports.figures.style import LABEL, MUTED, TITLE, WIDTH, Canvas, run, shorten
from reports.names import as_published, model_title

COLOURS = ("#c8352c", "#2b6cb8", "#2e9150")  # classes 0 (middle), 1 (right), 2 (left)
POINT = 0.35  # area of a point, square points
REAL_WIDTH, ROW, GAP, TOP = 1.45, 0.86, 0.06, 0.30


def draw(caption: str, panel: StoredPanel) -> Figure:
    """Draw the panel: real data at the left, one row of frames per model and form."""
    real, samples = panel.array("real"), panel.array("samples")
    models, epochs = panel["models"], panel["epochs"]
    height = TOP + len(models) * ROW + (len(models) - 1) * GAP + 0.05
    canvas = Canvas(height, caption)
    limits = _limits(real)

    middle = (TOP + height - 0.05) / 2
    frame = canvas.axes(0.08, middle - 0.55, REAL_WIDTH, 1.1)
    _scatter(frame, real, panel.array("real_labels"), limits)
    canvas.text(0.08 + REAL_WIDTH / 2, middle - 0.66, "real data", size=TITLE)

    left = 0.08 + REAL_WIDTH + 0.38
    width = (WIDTH - 0.08 - left - (len(epochs) - 1) * GAP) / len(epochs)
    for row, model in enumerate(models):
        top = TOP + row * (ROW + GAP)
        canvas.text(left - 0.18, top + ROW / 2, row_title(model), size=TITLE, rotation=90)
        for column in range(len(epochs)):
            frame = canvas.axes(left + column * (width + GAP), top, width, ROW)
            _scatter(frame, samples[row, column], panel.array("sample_labels"), limits)
    for column, epoch in enumerate(epochs):
        text = "initial" if epoch == 0 else f"{epoch} epoch{'s' if epoch > 1 else ''}"
        x = left + column * (width + GAP) + width / 2
        canvas.text(x, TOP - 0.12, text, size=LABEL, color=MUTED)
    return canvas.figure


def row_title(name: str) -> str:
    """Return a model's name, and below it its form if that is fitted, no longer than a row."""
    title = shorten(model_title(as_published(name)), ROW, TITLE)
    return title if as_published(name) == name else f"{title}\n{FITTED}"


def _scatter(frame: Axes, points: np.ndarray, labels: np.ndarray, limits: tuple) -> None:
    colours = np.array(COLOURS)[labels % len(COLOURS)]
    frame.scatter(*points.T, s=POINT, c=colours, linewidths=0, alpha=0.7, rasterized=True)
    frame.set(xlim=limits[0], ylim=limits[1], xticks=[], yticks=[])


def _limits(real: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return limits that hold the real data and half as much again on every side."""
    low, high = real.min(0), real.max(0)
    margin = np.maximum(0.12 * (high - low), 1e-3) * np.array([1.0, 2.5])
    (x0, y0), (x1, y1) = low - margin, high + margin
    return (float(x0), float(x1)), (float(y0), float(y1))


if __name__ == "__main__":
    run("figure2", draw, __doc__)

"""A candidate beside the stored models: a dot with its interval per data set, metric and model."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.compare.comparison import COLUMNS, PRINTED, REAL, Comparison
from reports.compare.conditions import LESS_IS_BETTER
from reports.figures.style import INK, LABEL, MUTED, TITLE, WIDTH, Canvas, render, shorten
from reports.names import dataset_title, model_title
from reports.tables.specs import Column
from reports.text import render_block

# Told apart by lightness and by shape too, not by hue alone.
STORED, CANDIDATE = {"color": "#56718f", "marker": "o"}, {"color": "#c2410c", "marker": "D"}
PER_ROW = 3  # metrics beside each other
LEFT, TOP, GAP, TITLE_HEIGHT = 1.35, 0.12, 0.22, 0.40
LINE, TICKS = 0.17, 0.24  # inches per model, and below each frame


def draw_comparison(found: Comparison, png: str | Path) -> None:
    """Draw the comparison and save it as PNG."""
    render(lambda: draw(found), png)


def draw(found: Comparison) -> Figure:
    """Draw frames of one metric each, those of a data set together."""
    rows = -(-len(PRINTED) // PER_ROW)
    every = {name: [*found.models(name), found.title] for name in found.datasets}
    frames = {name: LINE * (len(models) + 0.6) for name, models in every.items()}
    heights = [TITLE_HEIGHT + rows * (frame + TICKS + GAP) for frame in frames.values()]
    canvas = Canvas(TOP + sum(heights), render_block("figures.md.j2", "comparison", found=found))
    width = (WIDTH - LEFT - 0.1 - (PER_ROW - 1) * GAP) / PER_ROW
    top = TOP
    for (dataset, frame), height in zip(frames.items(), heights, strict=True):
        canvas.text(0.08, top + 0.08, dataset_title(dataset), size=TITLE, ha="left")
        models = every[dataset]
        for index, metric in enumerate(PRINTED):
            row, column = divmod(index, PER_ROW)
            left = LEFT + column * (width + GAP)
            upper = top + TITLE_HEIGHT + row * (frame + TICKS + GAP)
            less = " (less is better)" if metric in LESS_IS_BETTER else ""
            title = f"{COLUMNS[metric].title}{less}"
            canvas.text(left + width / 2, upper - 0.10, title, size=LABEL)
            axes = canvas.axes(left, upper, width, frame)
            _dots(axes, found, dataset, models, COLUMNS[metric])
            for line, model in enumerate(models if column == 0 else ()):
                y = upper + frame * (line + 0.8) / (len(models) + 0.6)
                own = model == found.title
                name = model_title(found.candidate.name if own else model)
                name = shorten(name, LEFT - 0.15, 1.1 * LABEL if own else LABEL)  # bold is wider
                style = {"color": CANDIDATE["color"] if own else INK, "ha": "right"}
                canvas.text(LEFT - 0.08, y, name, weight="bold" if own else "normal", **style)
        top += height
    return canvas.figure


def _dots(axes: Axes, found: Comparison, dataset: str, models: list[str], column: Column) -> None:
    times, empty = (100 if column.percent else 1), True
    for line, model in enumerate(models):
        own = found.cell(dataset, model, column.metric)
        if own.reason:
            continue
        style, empty = (CANDIDATE if model == found.title else STORED), False
        if own.interval is not None:
            ends = [times * own.interval.low, times * own.interval.high]
            axes.plot(ends, [line, line], color=style["color"], linewidth=1.4)
        axes.plot(times * own.mean, line, markersize=4.2, linestyle="", **style)
    real = found.cell(dataset, REAL, column.metric)
    if not real.reason:
        axes.axvline(times * real.mean, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.set(ylim=(len(models) - 0.2, -0.8), yticks=[])
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=4)
    if column.percent:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    if empty:
        axes.set(xticks=[])
        axes.text(0.5, 0.5, "not scored", transform=axes.transAxes, ha="center", size=LABEL)

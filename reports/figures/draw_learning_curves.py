"""Learning curves: scores against updates, Inception Score against images and processor seconds.

Usage: python -m reports.figures.draw_learning_curves --csv FILE --png FILE --pdf FILE

The CSV is that of ``python -m reports.studies.learning_curves``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from reports.figures.style import (
    CAPTION,
    LABEL,
    MUTED,
    TITLE,
    WIDTH,
    Canvas,
    compact,
    draw_legend,
    figure_parser,
    model_colours,
    open_frame,
    render,
)
from reports.names import as_published, dataset_title, in_paper_order, model_title
from reports.studies.curve_data import CEILING, COLUMNS, CURRENCIES, MEAN, REAL, SEED
from reports.tables.specs import Column
from reports.text import render_block

CEILING_COLOUR = "#9a9a9a"
THICK, THIN = {"linewidth": 1.5}, {"linewidth": 0.6, "alpha": 0.75}
DASHES = (0, (3.2, 1.6))
SCORES = tuple(column for column in COLUMNS if column.metric != "judge_agreement")
UPDATES, *COSTS = CURRENCIES
LEFT, RIGHT, GAP = 0.42, 0.10, 0.42  # inches beside and between frames
TITLE_HEIGHT, ROW, WIDE_ROW, TICKS, BETWEEN = 0.42, 1.20, 1.30, 0.34, 0.08
LEGEND, LEGEND_COLUMNS = 0.17, 5  # inches per line of the legend


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the data of learning curves: a block against updates, one against the other costs."""
    datasets = list(dict.fromkeys(frame["dataset"]))
    legend, colours = legend_handles(frame), model_colours(models_of(frame))
    top = 0.1 + LEGEND * -(-len(legend) // LEGEND_COLUMNS) + 0.08
    rows = ROW + WIDE_ROW + 2 * (TITLE_HEIGHT + TICKS + BETWEEN)
    canvas = Canvas(top + len(datasets) * rows, caption(frame))
    draw_legend(canvas, legend, LEGEND_COLUMNS)
    by_updates = (ROW, [(UPDATES, column) for column in SCORES])
    by_costs = (WIDE_ROW, [(cost, SCORES[0]) for cost in COSTS])
    for (height, frames), dataset in product((by_updates, by_costs), datasets):
        own, upper = frame[frame["dataset"] == dataset], top + TITLE_HEIGHT
        canvas.text(0.08, top + 0.09, dataset_title(dataset), size=TITLE, ha="left")
        width = (WIDTH - LEFT - RIGHT - (len(frames) - 1) * GAP) / len(frames)
        for index, (currency, column) in enumerate(frames):
            left = LEFT + index * (width + GAP)
            middle, below = left + width / 2, upper + height + 0.25
            less = " (less is better)" if column.metric == "fid" else ""
            canvas.text(middle, upper - 0.10, f"{column.title}{less}")
            axes = canvas.axes(left, upper, width, height)
            _curves(axes, own, currency, column, colours)
            canvas.text(middle, below, CURRENCIES[currency], size=CAPTION, color=MUTED)
        top += TITLE_HEIGHT + height + TICKS + BETWEEN
    return canvas.figure


def _curves(
    axes: Axes, own: pd.DataFrame, currency: str, column: Column, colours: Mapping[str, str]
) -> None:
    cost = "step" if currency == UPDATES else currency
    times = 100 if column.percent else 1
    known = own[own[column.metric].notna()].assign(value=lambda part: times * part[column.metric])
    real = known[known["statistic"] == CEILING]["value"]
    scored = known[known["statistic"] != CEILING]
    for value in real:
        axes.axhline(value, color=CEILING_COLOUR, linewidth=1.0, zorder=1)
    for model, part in scored.groupby("model", sort=False):
        style = {"color": colours[as_published(model)]}
        style |= {"linestyle": "-" if model == as_published(model) else DASHES}
        seeds, means = part[part["statistic"] == SEED], part[part["statistic"] == MEAN]
        alone = seeds["seed"].nunique() == 1
        for _, single in seeds.groupby("seed"):
            axes.plot(single[cost], single["value"], **style, **(THICK if alone else THIN))
        if not means.empty:
            axes.plot(means[cost], means["value"], **style, **THICK, zorder=3)
    if scored.empty:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "n/a", transform=axes.transAxes, ha="center", size=LABEL)
        return
    _scales(axes, column, bool((known["value"] > 0).all()))


def _scales(axes: Axes, column: Column, positive: bool) -> None:
    """Give an axes its scales and ticks; FID, which spans orders of magnitude, a log scale."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    decades = high / low >= 100
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if decades else (1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: compact(value))
    if column.metric == "fid" and positive:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    unit = " %" if column.percent else ""
    axes.yaxis.set_major_formatter(lambda value, _: f"{compact(value)}{unit}")
    open_frame(axes)


def models_of(frame: pd.DataFrame) -> list[str]:
    """Return the models that were trained, in the paper's order."""
    return in_paper_order(name for name in frame["model"] if name != REAL)


def legend_handles(frame: pd.DataFrame) -> list[Line2D]:
    """Return what the legend explains, as far as it is drawn."""
    models, means = models_of(frame), frame["statistic"].eq(MEAN).any()
    lines = [
        Line2D([], [], color=colour, label=model_title(name), **THICK)
        for name, colour in model_colours(models).items()
    ]
    if any(name != as_published(name) for name in models):
        style = {"color": MUTED, "linestyle": DASHES}
        lines.append(Line2D([], [], label="fitted priors", **style, **THICK))
    if means:
        lines.append(Line2D([], [], color=MUTED, label="mean over seeds", **THICK))
        lines.append(Line2D([], [], color=MUTED, label="one seed", **THIN))
    if frame["statistic"].eq(CEILING).any():
        lines.append(Line2D([], [], color=CEILING_COLOUR, linewidth=1.0, label="real images"))
    return lines


def caption(frame: pd.DataFrame) -> str:
    """Return the caption of the figure."""
    seeds = sorted(set(frame[frame["statistic"] == SEED]["seed"].astype(int)))
    presets, protocols = (sorted(set(frame[key])) for key in ("preset", "protocol"))
    known = {"seeds": seeds, "presets": presets, "protocols": protocols}
    return render_block("figures.md.j2", "learning_curves", **known)


def read_curves(path: str | Path) -> pd.DataFrame:
    """Read the data of learning curves.

    Raises:
        UserError: the file is missing, no CSV, or holds something else.
    """
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"expected the data of learning curves at {path}: {error}") from error
    needed = ["statistic", "dataset", "model", "seed", "step", "preset", "protocol", *COSTS]
    if missing := [n for n in (*needed, *(c.metric for c in SCORES)) if n not in frame]:
        raise UserError(
            f"{path}: expected the columns of python -m reports.studies.learning_curves, "
            f"missing {', '.join(missing)}"
        )
    return frame


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    frame = read_curves(args.csv)
    render(lambda: draw(frame), args.png, args.pdf)


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = figure_parser(__doc__)
    parser.add_argument("--csv", required=True, help="data of reports.studies.learning_curves")
    return parser


if __name__ == "__main__":
    run_stage(main, command())
